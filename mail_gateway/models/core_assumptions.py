"""Assumptions about the implementation of Odoo's own methods, where no public behavior gives the answer.

tests/test_core_contracts.py checks each assumption against the installed Odoo.
"""


def is_without_route(error: ValueError) -> bool:
    """Whether core's mail.thread.message_route found no route; its other ValueErrors are about routes that can't be used.

    Core raises a plain ValueError for both. The method itself raises the first one; methods that it calls raise the others.
    """
    traceback = error.__traceback__
    while traceback.tb_next:
        traceback = traceback.tb_next
    frame = traceback.tb_frame
    is_core = frame.f_globals.get("__name__") == "odoo.addons.mail.models.mail_thread"
    return is_core and frame.f_code.co_name == "message_route"
