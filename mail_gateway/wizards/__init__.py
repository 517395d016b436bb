from . import mail_inbound_route
