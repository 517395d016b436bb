"""Actions that the web client carries out by itself."""

CLOSE_DIALOG = {"type": "ir.actions.act_window_close"}
RELOAD = {"type": "ir.actions.client", "tag": "soft_reload"}


def notification(kind, message, title="", then=None):
    """Build an action that shows a notification in the corner of the screen.

    :param str kind: its color: info, success, warning or danger
    :param str message: the text, translated
    :param str title: the line above the text, translated
    :param dict then: the action that follows, such as :data:`CLOSE_DIALOG` or :data:`RELOAD`
    :return: an action of the web client (tag `display_notification`)
    """
    params = {"type": kind, "message": message, "title": title, "next": then}
    return {
        "type": "ir.actions.client",
        "tag": "display_notification",
        "params": {name: value for name, value in params.items() if value},
    }
