-- A copy of a database must neither read the mailboxes of the original nor send from them.
UPDATE crm_mailbox SET state = 'paused', next_sync = NULL WHERE state != 'draft';
UPDATE crm_email_composer SET state = 'draft', send_at = NULL WHERE state IN ('scheduled', 'sending');
DELETE FROM crm_mailbox_secret;
-- Nor write to the customers.
UPDATE crm_email_automation SET state = 'skipped', reason = 'stopped' WHERE state = 'waiting';
