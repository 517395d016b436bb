from . import (
    test_delivery,
    test_fetchmail_server,
    test_message_process,
    test_side_effects,
    test_states,
)
