from . import base_partner_merge
from . import crm_email_connect
from . import crm_email_erase
from . import crm_email_export
from . import crm_mailbox_connect
from . import crm_mailbox_connect_consent
from . import crm_mailbox_disconnect
from . import crm_mailbox_rehearsal
