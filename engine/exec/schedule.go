package exec

import (
	"container/heap"
	"fmt"
	"runtime/debug"
	"time"

	"aicv/engine"
	"aicv/metric"
	"aicv/spec"
)

// sharedWidth bounds the nodes with a server that need no host for themselves.
const sharedWidth = 8

// lane is what a node occupies while it runs, beside its host.
type lane uint8

const (
	laneHost    lane = iota // its host
	laneShared              // a place among those that share hosts
	laneOffline             // the one place of nodes without a server: their work is a commit, and those are serial
)

// scheduler decides which nodes may begin. It is used by one goroutine. Among those
// that may, the lowest id begins first, so that the order does not vary.
type scheduler struct {
	nodes   []engine.Node
	waiting []int32    // by node: edges from nodes that have not ended
	next    []int32    // nodes behind each node, back to back
	first   []int32    // by node: where its own begin in next
	ready   [3]idHeap  // by lane; laneHost's are in hosts
	hosts   []hostLane // by host
	running [3]int     // by lane, but for laneHost
	active  int
	left    int // nodes that have not begun
}

// hostLane is one host that nodes need for themselves. From a deploy node to its stop
// node the host belongs to one bring-up.
type hostLane struct {
	ready idHeap
	held  []int32 // ready, but the host belongs to another bring-up
	busy  bool
	owned bool
	owner groupKey
}

func newScheduler(nodes []engine.Node, hosts int) *scheduler {
	s := &scheduler{nodes: nodes, waiting: make([]int32, len(nodes)), first: make([]int32, len(nodes)+1),
		hosts: make([]hostLane, hosts), left: len(nodes)}
	edges := 0
	for i := range nodes {
		edges += len(nodes[i].After)
		s.waiting[i] = int32(len(nodes[i].After))
		for _, before := range nodes[i].After {
			s.first[before+1]++
		}
	}
	for i := range nodes {
		s.first[i+1] += s.first[i]
	}
	s.next = make([]int32, edges)
	at := append([]int32(nil), s.first...)
	for i := range nodes {
		for _, before := range nodes[i].After {
			s.next[at[before]] = int32(i)
			at[before]++
		}
	}
	for i := range nodes {
		if s.waiting[i] == 0 {
			s.offer(int32(i))
		}
	}
	return s
}

func laneOf(n *engine.Node) lane {
	switch {
	case n.Exclusive >= 0:
		return laneHost
	case n.Deployment >= 0:
		return laneShared
	}
	return laneOffline
}

func (s *scheduler) offer(id int32) {
	n := &s.nodes[id]
	if l := laneOf(n); l != laneHost {
		heap.Push(&s.ready[l], id)
		return
	}
	heap.Push(&s.hosts[n.Exclusive].ready, id)
}

// begin picks the next node that may run; false where none may now.
func (s *scheduler) begin() (int, bool) {
	best, from := int32(-1), (*idHeap)(nil)
	consider := func(h *idHeap) {
		if len(*h) > 0 && (best < 0 || (*h)[0] < best) {
			best, from = (*h)[0], h
		}
	}
	for i := range s.hosts {
		if h := &s.hosts[i]; !h.busy {
			h.hold(s.nodes)
			consider(&h.ready)
		}
	}
	if s.running[laneShared] < sharedWidth {
		consider(&s.ready[laneShared])
	}
	if s.running[laneOffline] == 0 {
		consider(&s.ready[laneOffline])
	}
	if from == nil {
		return 0, false
	}
	heap.Pop(from)
	s.occupy(best)
	return int(best), true
}

// hold sets aside what is ready but must wait for another bring-up to end.
func (h *hostLane) hold(nodes []engine.Node) {
	for h.owned && len(h.ready) > 0 && keyOf(&nodes[h.ready[0]]) != h.owner {
		h.held = append(h.held, heap.Pop(&h.ready).(int32))
	}
}

func (s *scheduler) occupy(id int32) {
	n := &s.nodes[id]
	s.active++
	s.left--
	l := laneOf(n)
	if l != laneHost {
		s.running[l]++
		return
	}
	h := &s.hosts[n.Exclusive]
	h.busy = true
	if n.Kind == engine.NodeDeploy {
		h.owned, h.owner = true, keyOf(n)
	}
}

// end frees what a node occupied, and offers the nodes that waited for it only.
func (s *scheduler) end(id int) {
	n := &s.nodes[id]
	s.active--
	if l := laneOf(n); l != laneHost {
		s.running[l]--
	} else {
		s.hosts[n.Exclusive].free(n)
	}
	for _, behind := range s.next[s.first[id]:s.first[id+1]] {
		if s.waiting[behind]--; s.waiting[behind] == 0 {
			s.offer(behind)
		}
	}
}

func (h *hostLane) free(n *engine.Node) {
	h.busy = false
	if n.Kind != engine.NodeStop || h.owner != keyOf(n) {
		return
	}
	h.owned = false
	for _, id := range h.held {
		heap.Push(&h.ready, id)
	}
	h.held = h.held[:0]
}

// idHeap is a heap of node ids, lowest first.
type idHeap []int32

func (h idHeap) Len() int           { return len(h) }
func (h idHeap) Less(i, j int) bool { return h[i] < h[j] }
func (h idHeap) Swap(i, j int)      { h[i], h[j] = h[j], h[i] }

// Push implements heap.Interface.
func (h *idHeap) Push(id any) { *h = append(*h, id.(int32)) }

// Pop implements heap.Interface.
func (h *idHeap) Pop() any {
	last := len(*h) - 1
	id := (*h)[last]
	*h = (*h)[:last]
	return id
}

// schedule runs the graph until it is done, a stop is wanted or the apply failed. It
// returns when no node runs any more.
func (x *executor) schedule() {
	s := newScheduler(x.nodes, len(x.plan.Hosts))
	ended := make(chan int)
	for {
		for !x.interrupted() {
			id, ok := s.begin()
			if !ok {
				break
			}
			go func() {
				x.perform(id)
				ended <- id
			}()
		}
		if s.active == 0 {
			break
		}
		s.end(<-ended)
	}
	if s.left > 0 && !x.interrupted() {
		x.fail(malformed("%s can never begin", metric.Count(s.left, "node")))
	}
}

// perform runs one node. A defect of ours stops the apply instead of the process, so
// that servers are still torn down.
func (x *executor) perform(id int) {
	defer func() {
		if cause := recover(); cause != nil {
			x.fail(&spec.Error{Kind: spec.ErrInfrastructure, Summary: fmt.Sprintf("node %d panicked", id),
				Detail: string(debug.Stack()), Cause: fmt.Errorf("%v", cause), Fix: "this is a defect of aicv, please report it"})
		}
	}()
	n := &x.nodes[id]
	if g := x.groupOf[keyOf(n)]; g != nil && n.Kind != engine.NodeInventory {
		g.mutex.Lock()
		defer g.mutex.Unlock()
	}
	switch n.Kind {
	case engine.NodeInventory:
		x.lookAtHost(id)
	case engine.NodeDeploy:
		x.deploy(id)
	case engine.NodeRun:
		x.run(id)
	case engine.NodeGate:
		x.gate(id)
	case engine.NodeStop:
		x.stopNode(id)
	case engine.NodeJudge:
		x.judge(id)
	}
}

// skip notes a node that there is no need for.
func (x *executor) skip(id int, why string) {
	x.countDone(id)
	e := x.event(spec.EventNodeSkipped, id)
	e.Message = why
	x.emit(e)
}

func (x *executor) stopNode(id int) {
	g := x.groupOf[keyOf(&x.nodes[id])]
	if g == nil || g.up == nil {
		x.countDone(id) // it never came up, or ended already: that was said there
		return
	}
	began := time.Now()
	x.started(id)
	x.conclude(id, began, "", x.takeDown(g))
	x.flushLog()
}
