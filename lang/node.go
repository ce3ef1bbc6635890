package lang

import (
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"

	"aicv/lang/schema"
	"aicv/spec"
)

// The roots of references that are no block type's name.
const (
	rootVar    = "var"
	rootLocal  = "local"
	rootMatrix = "matrix"
)

// node is one thing that references can name: a variable, a local, or a block other
// than an experiment. Its value is evaluated once.
type node struct {
	root    string   // var, local, model, runtime ...
	path    []string // what follows the root: name, or kind and name
	at      spec.Range
	block   *block         // nil for locals
	expr    hcl.Expression // of a local, or of a variable's value where a file of the suite gives it
	refs    []reference    // what its expressions name, in source order
	state   evalState
	failed  bool // an error was reported: dependents stay silent
	value   cty.Value
	hidden  bool // a sensitive value is in it
	claims  *claimList
	product product
}

// product is what a block becomes in the suite; the field of its root is set.
type product struct {
	model     *spec.Model
	hardware  *spec.Hardware
	component *spec.Component
	workload  *workload
}

type evalState uint8

const (
	unseen evalState = iota
	onStack
	done
)

// address is how a reference is written.
func (n *node) address() string { return n.root + "." + strings.Join(n.path, ".") }

func (n *node) name() string { return n.path[len(n.path)-1] }

// reference is one use of a node in an expression.
type reference struct {
	to        *node // nil for matrix.NAME
	axis      string
	traversal hcl.Traversal
	steps     int // of the traversal that named the node; what follows reads inside it
	at        spec.Range
}

// whole reports a reference to the node itself, not to something in it.
func (r reference) whole() bool { return len(r.traversal) == r.steps }

// namespace is every declared node, by root and then by dotted path.
type namespace struct {
	nodes  map[string]*node // by address
	order  []*node
	byRoot map[string][]*node
}

func newNamespace() *namespace {
	return &namespace{nodes: make(map[string]*node), byRoot: make(map[string][]*node)}
}

// add declares a node; it returns the earlier one where the name is taken.
func (s *namespace) add(n *node) *node {
	address := n.address()
	if first := s.nodes[address]; first != nil {
		return first
	}
	s.nodes[address] = n
	s.order = append(s.order, n)
	s.byRoot[n.root] = append(s.byRoot[n.root], n)
	return nil
}

// addresses lists what is declared under a root, in source order.
func (s *namespace) addresses(root string) []string {
	nodes := s.byRoot[root]
	addresses := make([]string, len(nodes))
	for i, n := range nodes {
		addresses[i] = n.address()
	}
	return addresses
}

// isRole reports a root whose references have a kind before the name.
func (l *loader) isRole(root string) bool {
	_, ok := l.table.kinds[root]
	return ok
}

// isRoot reports the first word of a reference.
func (l *loader) isRoot(root string) bool {
	switch root {
	case rootVar, rootLocal, schema.Model, schema.Hardware, schema.Workload:
		return true
	}
	return l.isRole(root)
}

func (l *loader) rootNames() []string {
	names := []string{rootVar, rootLocal, schema.Model, schema.Hardware, schema.Workload, rootMatrix}
	for _, role := range schema.Roles() {
		names = append(names, string(role))
	}
	return names
}

// declare turns the decoded blocks into nodes and experiments, and refuses
// duplicates.
func (l *loader) declare() {
	experiments := make(map[string]*block)
	for _, b := range l.blocks {
		switch b.typ.Name {
		case schema.Suite:
			l.declareSuite(b)
		case schema.Locals:
			l.declareLocals(b)
		case schema.Guard:
			l.declareGuard(b)
		case schema.Experiment:
			if first := experiments[b.name()]; first != nil {
				l.duplicate(b.nameAt, first.nameAt, "A second experiment "+quoted(b.name()), "Each name may stand once in a suite, over all its files.")
				continue
			}
			experiments[b.name()] = b
			l.experimentBlocks = append(l.experimentBlocks, b)
		case schema.Variable:
			l.addNode(&node{root: rootVar, path: b.labels, at: b.nameAt, block: b})
		default:
			l.addNode(&node{root: b.typ.Name, path: b.labels, at: b.nameAt, block: b})
		}
	}
}

func (l *loader) declareSuite(b *block) {
	if l.suiteBlock != nil {
		l.duplicate(b.at, l.suiteBlock.at, "A second suite block", "A suite has one, over all its files.")
		return
	}
	l.suiteBlock = b
}

func (l *loader) declareLocals(b *block) {
	for _, attr := range b.open {
		l.addNode(&node{root: rootLocal, path: []string{attr.Name}, at: l.inFile(rangeOf(attr.NameRange)), expr: attr.Expr})
	}
}

func (l *loader) addNode(n *node) {
	if first := l.names.add(n); first != nil {
		l.duplicate(n.at, first.at, "A second "+n.address(), "Each name may stand once in a suite, over all its files.")
	}
}
