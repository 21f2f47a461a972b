"""Contacts, companies, leads and opportunities, as many as wanted, written by SQL."""

from .correspondence import contact_address

COMPANIES = """
    INSERT INTO res_partner (id, name, complete_name, is_company, type, active, commercial_partner_id)
    SELECT %(base)s + n, 'Company ' || n, 'Company ' || n, true, 'contact', true, %(base)s + n
      FROM generate_series(0, %(companies)s - 1) n
"""
CONTACTS = """
    INSERT INTO res_partner (id, name, complete_name, is_company, type, active, parent_id, commercial_partner_id,
           email, email_normalized)
    SELECT %(base)s + %(companies)s + n, 'Contact ' || n, 'Company ' || n / 10 || ', Contact ' || n, false, 'contact',
           true, %(base)s + n / 10, %(base)s + n / 10, address, address
      FROM generate_series(0, %(contacts)s - 1) n, LATERAL (SELECT format(%(address)s, n, n / 10) AS address) a
"""
# Of ten contacts two have an opportunity, and one stands for a lead that is known by its address only.
LEADS = """
    INSERT INTO crm_lead (name, type, active, stage_id, team_id, partner_id, email_from, email_normalized, priority,
           probability, create_date)
    SELECT 'Lead ' || n, CASE WHEN mod(n, 10) = 2 THEN 'lead' ELSE 'opportunity' END, true, stage.id, team.id,
           CASE WHEN mod(n, 10) = 2 THEN NULL ELSE %(base)s + %(companies)s + n END, address, address, '0', 10, now()
      FROM generate_series(0, %(contacts)s - 1) n, LATERAL (SELECT format(%(address)s, n, n / 10) AS address) a,
           (SELECT id FROM crm_stage WHERE is_won IS NOT TRUE ORDER BY sequence LIMIT 1) stage,
           (SELECT id FROM crm_team ORDER BY id LIMIT 1) team
     WHERE mod(n, 10) < 3
"""


def create(cursor, contacts: int) -> None:
    """Store contacts, a company for each ten, and three leads for each ten.

    :param cursor: of psycopg2; nothing is committed
    """
    cursor.execute("SELECT max(id) + 1 FROM res_partner")
    [base] = cursor.fetchone()
    values = {
        "base": base,
        "contacts": contacts,
        "companies": -(-contacts // 10),
        "address": contact_address(0).replace("0", "%s"),
    }
    for statement in (COMPANIES, CONTACTS, LEADS):
        cursor.execute(statement, values)
    cursor.execute("SELECT setval('res_partner_id_seq', max(id)) FROM res_partner")
