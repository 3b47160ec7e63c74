-- Grants each role what it needs and nothing more: a client can undo a setting, but not a missing grant.
-- Roles are made by the cluster's bootstrap role; this file says what they may touch.

-- From nothing, so that a grant taken out of this file is gone from a warehouse that had it.
REVOKE ALL ON ALL TABLES IN SCHEMA staging, core, register, person, mart, mart_data, ops, secretariat
FROM wh_loader, wh_mailer, bi_read, wh_secretariat;
REVOKE ALL ON ALL FUNCTIONS IN SCHEMA ops, mart, register FROM wh_loader, wh_mailer, bi_read, wh_secretariat;
REVOKE ALL ON SCHEMA public FROM public;

REVOKE EXECUTE ON ALL FUNCTIONS IN SCHEMA ops, mart, register FROM public;
ALTER DEFAULT PRIVILEGES FOR ROLE wh_owner REVOKE EXECUTE ON FUNCTIONS FROM public;

-- bi_read: the marts, nothing else.
GRANT USAGE ON SCHEMA mart TO bi_read;
GRANT SELECT ON ALL TABLES IN SCHEMA mart TO bi_read;
GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA mart TO bi_read;
ALTER DEFAULT PRIVILEGES FOR ROLE wh_owner IN SCHEMA mart GRANT SELECT ON TABLES TO bi_read;

-- wh_secretariat: the marts, and what is said of members inside. It cannot log in: the operator grants it to people.
GRANT USAGE ON SCHEMA mart, secretariat TO wh_secretariat;
GRANT SELECT ON ALL TABLES IN SCHEMA mart, secretariat TO wh_secretariat;
GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA mart TO wh_secretariat;
ALTER DEFAULT PRIVILEGES FOR ROLE wh_owner IN SCHEMA mart GRANT SELECT ON TABLES TO wh_secretariat;

-- wh_loader: appends facts, results and what was done; moves the pointer; deletes no fact.
GRANT USAGE ON SCHEMA staging, core, register, mart, mart_data, ops, secretariat TO wh_loader;
GRANT SELECT ON ALL TABLES IN SCHEMA staging, core, register, mart, mart_data, ops, secretariat TO wh_loader;
GRANT INSERT, DELETE ON staging.rejected_cell TO wh_loader;
GRANT INSERT, UPDATE ON
ops.source_run, ops.snapshot, ops.dataset_check, ops.publication, ops.look, ops.operator_notice, ops.host_limit
TO wh_loader;
GRANT INSERT, UPDATE, DELETE ON ops.host_call TO wh_loader;
GRANT UPDATE (
    state, decided_by, decided_at, decision_reason, asked_by_run, approval_number
) ON core.dim_release TO wh_loader;
GRANT INSERT ON
core.dim_release, core.reconciliation, core.revision, core.revision_pair, core.criterion_change,
core.criteria_summary, ops.mail_outbox, ops.release_decision,
ops.warehouse_origin, ops.validation, ops.validation_gate, ops.publication_release, ops.publication_facts
TO wh_loader;
-- Results and current facts: rows are added under a new publication; none is changed or taken away.
GRANT INSERT ON ALL TABLES IN SCHEMA mart_data TO wh_loader;
-- Registers: rows are added and closed; what a row says is never changed, and none is taken away.
GRANT INSERT ON ALL TABLES IN SCHEMA register TO wh_loader;
GRANT UPDATE (recorded_to) ON
register.version, register.member, register.target, register.known_defect, register.climate_plan, register.measure,
register.pledge, register.evidence, register.enquiry, register.reporting_round, register.answer,
register.own_series, register.sector_list, register.criteria_rule, register.municipality_group,
register.official_figure,
register.ets_plant, register.ets_statement, register.trading_reference
TO wh_loader;
GRANT UPDATE ON mart.current_publication TO wh_loader;
GRANT EXECUTE ON FUNCTION
ops.create_load_partition(text, bigint), ops.key_load_partition(text, bigint),
ops.attach_load_partition(text, bigint),
ops.new_years(text[], text[], text[], boolean),
ops.create_facts_partition(text, bigint), ops.attach_facts_partition(text, bigint),
ops.analyze_publication(), ops.analyze_revision(),
ops.publications_to_drop(integer, timestamptz), ops.drop_old_publication(bigint, integer, timestamptz),
ops.drop_facts_partition(text, bigint)
TO wh_loader;
GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA mart TO wh_loader;

-- wh_mailer: reads the marts, moves outbox rows on; it alone reads and keeps the contacts.
GRANT USAGE ON SCHEMA person TO wh_mailer;
GRANT SELECT, INSERT, DELETE ON person.contact TO wh_mailer;
GRANT SELECT, INSERT ON person.deletion TO wh_mailer;
GRANT USAGE ON SCHEMA mart, ops, secretariat TO wh_mailer;
GRANT SELECT ON secretariat.reminder_item TO wh_mailer;
GRANT SELECT ON ALL TABLES IN SCHEMA mart TO wh_mailer;
ALTER DEFAULT PRIVILEGES FOR ROLE wh_owner IN SCHEMA mart GRANT SELECT ON TABLES TO wh_mailer;
GRANT SELECT ON ops.mail_outbox TO wh_mailer;
GRANT UPDATE (
    state, message_id, html_sha256, text_sha256, attempts, last_error, updated_at, sent_at, approval,
    headline
) ON ops.mail_outbox TO wh_mailer;
-- Reminders: the mailer alone knows whom they go to.
GRANT INSERT (
    kind, publication_id, as_of_date, region_code, contact_kind, subject, body, approval
) ON ops.mail_outbox TO wh_mailer;
GRANT SELECT, INSERT ON ops.reminder TO wh_mailer;
