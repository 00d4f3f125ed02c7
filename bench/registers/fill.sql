-- What bench/registers/fill.py puts into the tables, out of the envelopes that it has written into `bench_envelope`.
-- Envelope n goes to five agencies; copy k = 0 is that of the agency that is asked. Statements end with a line `;`.
CREATE FUNCTION pg_temp.month(at timestamptz) RETURNS text IMMUTABLE LANGUAGE sql AS
$$ SELECT to_char(at AT TIME ZONE 'UTC', 'YYYYMM') $$
;
INSERT INTO agency (code, old_code, name, short_name, place, is_local, email, phone, address, rev)
SELECT 'H96.' || g, '', 'Cơ quan số ' || g, '', '', false, '', '', '', 1
FROM generate_series(1, 760) AS g
;
CREATE UNLOGGED TABLE bench_copy AS
SELECT n * 5 + k + 1000000 AS id, n + 1000000 AS dispatch_id, n, k,
    CASE k WHEN 0 THEN %(own)s ELSE first.id + mod(n * 4 + k, 760) END AS agency_id, first.id + mod(n, 760) AS sender_id
FROM bench_envelope, generate_series(0, 4) AS k,
    (SELECT min(id) AS id FROM agency WHERE code LIKE 'H96.%%') AS first
ORDER BY n, k
;
INSERT INTO docex_dispatch (id, channel, message_id, document_key, business, about_key, sender_id, sha256, size, facts,
    notes, answer, verdict, submitted_at)
SELECT dispatch_id, 'client:1', 'bench-' || n, 'H96,' || n, 0, '', sender_id, encode(sha256(n::text::bytea), 'hex'), 140000,
    jsonb_build_object('code', n || '/SNV-VP', 'subject', subject), '[]', '{}', 'valid', at
FROM bench_copy JOIN bench_envelope USING (n) WHERE k = 0 ORDER BY n
;
INSERT INTO docex_delivery (id, dispatch_id, agency_id, progress, recall, reason, addressed_as, rev, changed_at)
SELECT id, dispatch_id, agency_id, '03', '', '', '', 3, at FROM bench_copy JOIN bench_envelope USING (n) ORDER BY id
;
INSERT INTO docex_incoming (id, agency_id, dispatch_id, delivery_id, state, sender_id, sender_name, code, kind_name,
    subject, urgency, reason, rev, arrived_at, changed_at)
SELECT id, agency_id, dispatch_id, id, CASE WHEN mod(n, 50) = 0 THEN 'arrived' ELSE 'registered' END, sender_id,
    'Cơ quan số ' || mod(n, 760), n || '/SNV-VP', 'Công văn', subject, 0, '', 1, at, at
FROM bench_copy JOIN bench_envelope USING (n) ORDER BY id
;
INSERT INTO search_text (scope, kind, thing_id, at, original, folded)
SELECT 'agency:' || agency_id, 'incoming', id, at, concat_ws(E'\n', subject, n || '/SNV-VP', 'Công văn'),
    concat_ws(' ', folded, n, 'snv vp cong van', 'xxagency' || agency_id || 'xxincoming',
        'xxagency' || agency_id || 'xxincomingxx' || pg_temp.month(at))
FROM bench_copy JOIN bench_envelope USING (n) ORDER BY id
;
INSERT INTO search_text (scope, kind, thing_id, at, original, folded)
SELECT 'papers', 'dispatch', dispatch_id, at, subject || E'\n\n' || body,
    concat_ws(' ', folded, folded_body, 'xxpapersxxdispatch', 'xxpapersxxdispatchxx' || pg_temp.month(at), (
        SELECT string_agg(concat('xxreceived', r.agency_id, 'xxdispatch xxreceived', r.agency_id, 'xxdispatchxx',
            pg_temp.month(at)), ' ') FROM generate_series(0, 4) AS j, LATERAL (
                SELECT CASE j WHEN 0 THEN %(own)s ELSE sender_id - mod(n, 760) + mod(n * 4 + j, 760) END AS agency_id
            ) AS r))
FROM bench_copy JOIN bench_envelope USING (n) WHERE k = 0 ORDER BY n
;
INSERT INTO search_word
SELECT DISTINCT word FROM bench_envelope, unnest(string_to_array(concat_ws(' ', folded, folded_body, n, 'snv vp cong van'), ' '))
    AS word WHERE word <> '' ON CONFLICT DO NOTHING
;
DROP TABLE bench_copy
;
DROP TABLE bench_envelope
