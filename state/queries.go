package state

// Every statement of the package, so that a test can ask SQLite how it would run
// each of them. Sets of keys are passed as one JSON array and drive the joins
// (CROSS JOIN keeps their order), so the cost follows the keys asked for.
const (
	insertMeta      = `INSERT INTO meta (one, identity, revision, created) VALUES (1, ?, 0, ?) ON CONFLICT DO NOTHING`
	bumpRevision    = `UPDATE meta SET revision = revision + 1 WHERE one = 1`
	selectIdentity  = `SELECT identity FROM meta WHERE one = 1`
	selectRevision  = `SELECT revision FROM meta WHERE one = 1`
	interruptOthers = `UPDATE apply SET status = 'interrupted' WHERE status = 'running'`

	insertApply     = `INSERT INTO apply (id, plan, started, status) VALUES (?, ?, ?, 'running')`
	insertPlan      = `INSERT INTO apply_plan (apply, data) VALUES (?, ?)`
	insertSession   = `INSERT INTO apply_session (apply, started, version, host, revision, command) VALUES (?, ?, ?, ?, ?, ?)`
	continueApply   = `UPDATE apply SET status = 'running', finished = 0 WHERE num = ?`
	endApply        = `UPDATE apply SET status = ?, finished = ? WHERE id = ?`
	selectApplyNum  = `SELECT num FROM apply WHERE id = ?`
	selectApplyPlan = `SELECT num, id, status FROM apply WHERE plan = ?`
	selectApply     = `SELECT a.id, a.plan, a.started, a.finished, a.status, s.version, s.host, s.revision, s.command, p.data
		FROM apply a
		JOIN apply_session s ON s.num = (SELECT min(num) FROM apply_session WHERE apply = a.num)
		LEFT JOIN apply_plan p ON p.apply = a.num
		WHERE a.plan = ?`
	listApplies = `SELECT a.id, a.plan, a.started, a.finished, a.status, s.version, s.host, s.revision, s.command, NULL
		FROM apply a
		JOIN apply_session s ON s.num = (SELECT min(num) FROM apply_session WHERE apply = a.num)
		ORDER BY a.num`

	insertStep      = `INSERT INTO step (apply, node, attempt, kind, subject, key, started) VALUES (?, ?, ?, ?, ?, ?, ?)`
	endStep         = `UPDATE step SET status = ?, message = ?, finished = ? WHERE id = ? AND status IS NULL`
	selectStep      = `SELECT status FROM step WHERE id = ?`
	selectOpenSteps = `SELECT s.id, a.id, s.node, s.attempt, s.kind, s.subject, s.key, s.started, '', ''
		FROM step s JOIN apply a ON a.num = s.apply
		WHERE s.status IS NULL ORDER BY s.id`
	selectSteps = `SELECT s.id, a.id, s.node, s.attempt, s.kind, s.subject, s.key, s.started, coalesce(s.status, ''), s.message
		FROM apply a JOIN step s ON s.apply = a.num
		WHERE a.id = ? ORDER BY s.id`

	insertStart     = `INSERT INTO server_start (step, deployment, number, data, stopped) VALUES (?, ?, ?, ?, ?)`
	selectStart     = `SELECT id, data, stopped FROM server_start WHERE deployment = ? AND number = ?`
	selectLastStart = `SELECT coalesce(max(number), 0) FROM server_start WHERE deployment = ?`
	stopStart       = `UPDATE server_start SET stopped = ? WHERE id = ? AND stopped = 0`
	selectStartID   = `SELECT 1 FROM server_start WHERE id = ?`
	selectStarts    = `SELECT s.id, s.deployment, s.data, s.stopped
		FROM json_each(?) k CROSS JOIN server_start s ON s.deployment = k.value
		ORDER BY s.id`
	selectRunning = `SELECT id, deployment, data, stopped FROM server_start WHERE stopped = 0 ORDER BY id`

	selectMeasurement = `SELECT num, generation, retired_to FROM measurement WHERE id = ?`
	insertMeasurement = `INSERT INTO measurement (id, address, content) VALUES (?, ?, ?)`
	updateMeasurement = `UPDATE measurement SET address = ?, content = ? WHERE num = ?`
	describedAs       = `SELECT k.key, m.num, m.address, coalesce(m.content, '')
		FROM json_each(?) k CROSS JOIN measurement m ON m.id = k.value`
	listMeasurements = `SELECT m.id, m.address, sum(r.idx > m.retired_to), sum(r.idx <= m.retired_to), m.retired_to
		FROM measurement m JOIN run r ON r.measurement = m.num
		GROUP BY m.num`
	retireMeasurement = `UPDATE measurement SET generation = generation + 1, retired_to = ? WHERE num = ?`
	insertRetirement  = `INSERT INTO retirement (measurement, generation, retired_to, why, at) VALUES (?, ?, ?, ?, ?)`
	lastRun           = `SELECT coalesce(max(idx), 0) FROM run WHERE measurement = ?`
	countFailures     = `SELECT count(*) FROM failure WHERE measurement = ? AND generation = ?`

	insertShape = `INSERT INTO shape (content) VALUES (?)`
	selectShape = `SELECT id FROM shape WHERE content = ?`
	listShapes  = `SELECT id, content FROM shape`

	insertRun = `INSERT INTO run (measurement, idx, step, start, shape, started, elapsed, requests, failed, merged, source, vals, findings, seen, checksum)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`
	countRuns  = `SELECT count(*) FROM run WHERE measurement = ? AND idx > ?`
	selectRuns = `SELECT k.key, r.idx, coalesce(r.start, 0), r.shape, r.started, r.elapsed, r.requests, r.failed, r.merged, r.source, r.vals, r.findings, r.seen, r.checksum
		FROM json_each(?) k CROSS JOIN measurement m ON m.id = k.value
		CROSS JOIN run r ON r.measurement = m.num AND r.idx > m.retired_to`
	selectAllRuns = `SELECT 0, r.idx, coalesce(r.start, 0), r.shape, r.started, r.elapsed, r.requests, r.failed, r.merged, r.source, r.vals, r.findings, r.seen, r.checksum
		FROM run r WHERE r.measurement = ?`
	insertRows = `INSERT INTO run_rows (measurement, idx, requests, data) VALUES (?, ?, ?, ?)`
	selectRows = `SELECT w.data FROM measurement m JOIN run_rows w ON w.measurement = m.num AND w.idx = ? WHERE m.id = ?`

	insertAborted = `INSERT INTO aborted (step, measurement, idx, started, requests, failed, warmup, why, source, data) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`
	selectAborted = `SELECT m.id, a.idx, a.started, a.requests, a.failed, a.warmup, a.why, a.source
		FROM json_each(?) k CROSS JOIN measurement m ON m.id = k.value
		CROSS JOIN aborted a ON a.measurement = m.num AND a.idx > m.retired_to
		ORDER BY a.step`
	selectAbortedRows = `SELECT a.data FROM measurement m JOIN aborted a ON a.measurement = m.num AND a.idx = ? WHERE m.id = ? ORDER BY a.step`
	checkAborted      = `SELECT m.id, a.idx, a.requests, a.data FROM aborted a JOIN measurement m ON m.num = a.measurement ORDER BY a.step`

	insertFailure  = `INSERT INTO failure (measurement, generation, runs, step, kind, message) VALUES (?, ?, ?, ?, ?, ?)`
	selectFailures = `SELECT k.value, f.kind, f.message
		FROM json_each(?) k CROSS JOIN measurement m ON m.id = k.value
		CROSS JOIN failure f ON f.id = (SELECT max(id) FROM failure WHERE measurement = m.num AND generation = m.generation)
		WHERE f.runs = (SELECT count(*) FROM run WHERE measurement = m.num AND idx > m.retired_to)`
	selectAllFailures = `SELECT kind, message FROM failure WHERE measurement = ? ORDER BY id`

	insertLook  = `INSERT INTO look (measurement, generation, step, runs, of, level, decided, claims) VALUES (?, ?, ?, ?, ?, ?, ?, ?)`
	selectLooks = `SELECT m.id, l.runs, l.of, l.level, l.decided, l.claims
		FROM json_each(?) k CROSS JOIN measurement m ON m.id = k.value
		CROSS JOIN look l ON l.measurement = m.num AND l.generation = m.generation
		ORDER BY l.id`

	insertJudging   = `INSERT INTO judging (apply, at, hash, same_as) VALUES (?, ?, ?, ?)`
	lastJudging     = `SELECT id, coalesce(same_as, id), hash FROM judging ORDER BY id DESC LIMIT 1`
	lastJudgingOf   = `SELECT j.id, coalesce(j.same_as, j.id), j.hash FROM judging j WHERE j.id = (SELECT max(id) FROM judging WHERE apply = (SELECT num FROM apply WHERE id = ?))`
	insertJudgement = `INSERT INTO judgement (judging, experiment, claim, cell, verdict, data) VALUES (?, ?, ?, ?, ?, ?)`
	listJudgements  = `SELECT data FROM judgement WHERE judging = ? ORDER BY id`
	insertRuleSet   = `INSERT INTO rule_set (content) VALUES (?)`
	selectRuleSet   = `SELECT id FROM rule_set WHERE content = ?`
	listRuleSets    = `SELECT id, content FROM rule_set`
	lastJudged      = `SELECT rules, bases, data FROM judged WHERE measurement = ? ORDER BY judging DESC LIMIT 1`
	insertJudged    = `INSERT INTO judged (measurement, judging, rules, bases, data) VALUES (?, ?, ?, ?, ?)`
	selectRules     = `SELECT k.key, d.rules
		FROM json_each(?) k CROSS JOIN measurement m ON m.id = k.value
		CROSS JOIN judged d ON d.measurement = m.num
		WHERE d.data = 1 ORDER BY k.key, d.judging`

	historyMeasurements = `SELECT num, id, address, generation, retired_to FROM measurement`
	historyRuns         = `SELECT measurement, idx, coalesce(start, 0), shape, started, elapsed, requests, failed, merged, source, vals, findings, seen, checksum
		FROM run ORDER BY measurement, idx`
	historyFailures = `SELECT measurement, generation, runs, kind, message FROM failure ORDER BY id`
	historyJudged   = `SELECT measurement, bases, rules, data FROM judged ORDER BY measurement, judging`

	insertEvents = `INSERT INTO event_batch (apply, events, data) VALUES (?, ?, ?)`
	selectEvents = `SELECT e.data FROM apply a JOIN event_batch e ON e.apply = a.num WHERE a.id = ? ORDER BY e.id`

	findByID          = `SELECT num, id, address, content, retired_to FROM measurement WHERE id = ?`
	findByPrefix      = `SELECT num, id, address, content, retired_to FROM measurement WHERE id >= ?1 AND id < ?1 || '~' LIMIT 2`
	findByAddress     = `SELECT num, id, address, content, retired_to FROM measurement WHERE address = ?`
	selectRetirements = `SELECT retired_to, why, at FROM retirement WHERE measurement = ? ORDER BY generation`

	checkIntegrity  = `SELECT integrity_check FROM pragma_integrity_check`
	checkReferences = `SELECT "table", parent FROM pragma_foreign_key_check`
	checkSteps      = `SELECT s.id, a.id FROM step s JOIN apply a ON a.num = s.apply WHERE s.status IS NULL AND a.status = 'finished' ORDER BY s.id`
	checkRunSteps   = `SELECT m.id, r.idx FROM run r JOIN measurement m ON m.num = r.measurement JOIN step s ON s.id = r.step WHERE s.status IS NOT 'done'`
	checkRows       = `SELECT m.id, w.idx, w.requests, w.data FROM run_rows w JOIN measurement m ON m.num = w.measurement ORDER BY w.id`
	checkAll        = `SELECT num, id FROM measurement ORDER BY num`
)
