package exec

import "time"

// Every phase has a timeout, so that an apply always ends.
const (
	inventoryTimeout = time.Minute
	findTimeout      = time.Minute
	startTimeout     = 30 * time.Minute // of Target.Start: an image may have to be pulled
	adoptTimeout     = time.Minute      // until an adopted server answers
	readyTimeout     = 10 * time.Minute // from start to ready, where the runtime does not say
	effectiveTimeout = 30 * time.Second
	askTimeout       = 10 * time.Second // of Status, Log and one readiness probe
	generateTimeout  = 2 * time.Minute  // of the generation that proves readiness: kernels may be compiled for it
	lookupTimeout    = 10 * time.Minute

	// A run may take runFactor times what its benchmark expects at the predicted or
	// measured latency, and runSlack. Without any latency to go by it has runTimeout.
	runFactor  = 10
	runSlack   = 2 * time.Minute
	runTimeout = 2 * time.Hour

	// stopGrace stands between SIGTERM and SIGKILL where the runtime does not say;
	// stopSlack is added to the grace before a stop counts as hanging. teardownBudget
	// bounds the second, immediate try, and all of a hard stop's calls.
	stopGrace      = 10 * time.Second
	stopSlack      = 30 * time.Second
	teardownBudget = 30 * time.Second

	// patience is how long a provider may take to return once its context has ended.
	patience = 5 * time.Second

	// finishGrace is how long a graceful stop waits for a run that is about to end.
	finishGrace = 10 * time.Second
)

// Retry rules: how often a step is tried in one apply, and the pause in between.
const (
	inventoryAttempts = 2
	deployAttempts    = 2
	runAttempts       = 2
	retryPause        = 2 * time.Second
)

// How often things are looked at.
const (
	firstPoll   = 50 * time.Millisecond // after a start; doubles up to slowestPoll
	slowestPoll = time.Second
	dyingGrace  = 5 * time.Second // between a server's last sign of life and its end
	aliveEvery  = time.Second     // whether the server still lives, during a run
	sampleEvery = 5 * time.Second // the server's GPUs, during a run
)

// How much of a server's log is read.
const (
	logTail    = 64 << 10 // bytes
	startLog   = 1 << 20  // bytes, of which a configuration is read once
	shownLines = 15       // lines that become the evidence of an error
)
