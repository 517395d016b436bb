"""What the addon assumes about the inside of Odoo's own methods, where they offer no narrower way.

tests/test_core_contracts.py holds each assumption against the Odoo that is installed.
"""


def is_without_route(error: ValueError) -> bool:
    """Whether core's mail.thread.message_route found no route; its other ValueErrors are about routes that can't be used.

    Core raises a plain ValueError for both. The method itself raises the one; the methods that it calls raise the others.
    """
    traceback = error.__traceback__
    while traceback.tb_next:
        traceback = traceback.tb_next
    frame = traceback.tb_frame
    is_core = frame.f_globals.get("__name__") == "odoo.addons.mail.models.mail_thread"
    return is_core and frame.f_code.co_name == "message_route"
