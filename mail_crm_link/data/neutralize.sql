-- A copy of a database must not touch the mailboxes of the original.
UPDATE crm_mailbox SET state = 'paused', next_sync = NULL WHERE state != 'draft';
DELETE FROM crm_mailbox_secret;
