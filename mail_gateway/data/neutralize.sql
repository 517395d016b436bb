-- Odoo's own files archive the incoming servers, replace the outgoing servers by one that leads nowhere, and switch the
-- scheduled actions off. What follows keeps a copy of a production database away from its mailboxes even when somebody
-- restores one of these: reading a mailbox marks messages as read, moves or deletes them.
UPDATE fetchmail_server
   SET active = false,
       state = 'draft',
       password = NULL;
-- a requested message would be fetched
UPDATE mail_inbound_message
   SET fetch_requested = false
 WHERE fetch_requested;
-- nobody is alerted about the mail of production
UPDATE res_users
   SET told_of_held_mail = false;
