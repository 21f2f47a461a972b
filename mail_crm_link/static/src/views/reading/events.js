/** On the environment's bus, with ``emailId`` and ``wasUnread``: a mail's text is shown. */
export const EMAIL_OPENED = "MAIL_CRM_LINK:EMAIL_OPENED";
