from . import crm_mailbox_rehearsal
