# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
{
    "name": "CRM Mailbox Link",
    "summary": "Connect people's mailboxes to CRM: every mail on the right card",
    "version": "19.0.1.0.0",
    "category": "Sales/CRM",
    "license": "LGPL-3",
    "author": "mail_crm_link contributors",
    "website": "https://github.com/mail-crm-link/mail_crm_link",
    "depends": ["crm"],
    "external_dependencies": {
        "python": ["cryptography", "imapclient", "nh3", "quotequail", "vobject"],
    },
    "data": [
        "security/mail_crm_link_security.xml",
        "security/ir.model.access.csv",
        "data/ir_cron.xml",
        "data/mail_activity_type.xml",
        "wizard/crm_email_connect_views.xml",
        "wizard/crm_mailbox_rehearsal_views.xml",
        "views/crm_email_views.xml",
        "views/crm_email_block_views.xml",
        "views/crm_email_copy_views.xml",
        "views/crm_email_creation_views.xml",
        "views/crm_mailbox_rule_views.xml",
        "views/crm_mailbox_views.xml",
        "views/crm_lead_views.xml",
        "views/res_partner_views.xml",
        "views/res_users_views.xml",
        "views/res_config_settings_views.xml",
        "views/crm_menus.xml",
    ],
    "demo": ["demo/mail_crm_link_demo.xml"],
    "assets": {
        "web.assets_backend": [
            "mail_crm_link/static/src/**/*",
        ],
        "web.assets_tests": [
            "mail_crm_link/static/tests/tours/**/*",
        ],
    },
    "application": True,
    "uninstall_hook": "uninstall_hook",
}
