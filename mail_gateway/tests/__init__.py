from importlib.util import find_spec

from . import (
    test_delivery,
    test_fetchmail_server,
    test_former_list,
    test_former_routing,
    test_message_process,
    test_oauth,
    test_outgoing_explain,
    test_outgoing_selection,
    test_parameters,
    test_parameters_settings,
    test_parameters_values,
    test_sending_details,
    test_server_selection,
    test_side_effects,
    test_smtp_probe,
    test_smtp_probe_words,
    test_states,
    test_tools_addresses,
    test_tools_delivery,
    test_tools_faults,
    test_tools_fetch,
    test_tools_former,
    test_tools_headers,
    test_tools_imap,
    test_tools_mailbox,
    test_tools_pace,
    test_tools_parameters,
    test_tools_pop3,
    test_tools_preview,
    test_tools_relay,
    test_tools_retry,
    test_tools_server_selection,
    test_tools_sign_in,
    test_tools_smtp_probe,
    test_tools_uid_set,
)

# An administrator who runs the tests may not have it; the project's own test runs always do.
if find_spec("hypothesis"):
    from . import test_tools_server_selection_properties
