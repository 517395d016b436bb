from . import mail_inbound_route, mail_outgoing_explain, mail_server_probe
