"""Figures of mail in Odoo's digest. Each recipient gets those of the mail that they may know of."""

from odoo import fields, models
from odoo.exceptions import AccessError

from .crm_email_report import Figures

REPORT = "crm.email.report"
RECEIVED = [("kind", "!=", "sent"), ("automatic", "=", False)]
WAITING = [("kind", "=", "waiting")]


class DigestDigest(models.Model):
    _inherit = "digest.digest"

    kpi_mail_received = fields.Boolean("Emails Received on Cards")
    kpi_mail_received_value = fields.Integer(compute="_compute_kpi_mail_received_value")
    kpi_mail_unanswered = fields.Boolean("Of These Waiting for an Answer")
    kpi_mail_unanswered_value = fields.Integer(compute="_compute_kpi_mail_unanswered_value")
    kpi_mail_response_time = fields.Boolean("Response Time (working hours)")
    kpi_mail_response_time_value = fields.Float(compute="_compute_kpi_mail_response_time_value")

    def _compute_kpi_mail_received_value(self):
        self._check_mail_figures()
        self._calculate_company_based_kpi(REPORT, "kpi_mail_received_value", "date", RECEIVED)

    def _compute_kpi_mail_unanswered_value(self):
        self._check_mail_figures()
        self._calculate_company_based_kpi(REPORT, "kpi_mail_unanswered_value", "date", WAITING)

    def _compute_kpi_mail_response_time_value(self):
        """The median of what was answered in the period."""
        self._check_mail_figures()
        start, end, companies = self._get_kpi_compute_parameters()
        figures = self.env[REPORT]._figures_by("company_id", companies.ids, start, end)
        for digest in self:
            company = digest.company_id or self.env.company
            digest.kpi_mail_response_time_value = figures.get(company.id, Figures()).response_hours or 0.0

    def _check_mail_figures(self) -> None:
        """:raise AccessError: for those without CRM; the digest then leaves the figure out"""
        if not self.env.user.has_group("sales_team.group_sale_salesman"):
            raise AccessError(self.env._("Figures of emails are for salespeople."))

    def _compute_kpis_actions(self, company, user):
        actions = super()._compute_kpis_actions(company, user)
        menu = self.env.ref("crm.crm_menu_root").id
        target = f"mail_crm_link.crm_email_report_action?menu_id={menu}"
        return actions | dict.fromkeys(("kpi_mail_received", "kpi_mail_unanswered", "kpi_mail_response_time"), target)
