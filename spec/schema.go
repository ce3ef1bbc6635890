package spec

// Type is an attribute's type in the language's schema.
type Type string

// The types. References name a declared block of one role or kind.
const (
	TypeString     Type = "string"
	TypeInt        Type = "int"      // whole number
	TypeNumber     Type = "number"   // decimal number
	TypeBool       Type = "bool"     // true or false
	TypeDuration   Type = "duration" // "30s", "5m"; Go's duration syntax
	TypeShare      Type = "share"    // "95%"
	TypeSize       Type = "size"     // "80GiB"; a number of bytes once it is evaluated
	TypePath       Type = "path"     // relative to the suite's folder
	TypeStringList Type = "list(string)"
	TypeIntList    Type = "list(int)"
	TypeStringMap  Type = "map(string)"
	TypeMap        Type = "map(any)"
	TypeAny        Type = "any"
	TypeClaims     Type = "claims" // list of claim sentences
	TypeReference  Type = "reference"
	TypeTypeExpr   Type = "type" // a type expression: string, list(number), ...
)

// Attribute is one row of the schema.
type Attribute struct {
	Name     string
	Type     Type
	Ref      string // for TypeReference: the block type referred to ("model", "benchmark" ...)
	Required bool
	Single   bool     // of list types: one value may stand for a list of it
	Default  Value    // Null: none
	Allowed  []string // the only accepted texts; empty: any
	Known    []string // texts that aicv knows: what is nearly one of them is an error, another a warning, unless the suite accepts the item; empty: it knows none
	Min, Max *float64 // inclusive bounds of a number; nil: none
	Doc      string   // one or two sentences
	Example  string   // an expression as a user would write it
	Since    string   // the aicv version that brought it
	// Incidental rows say nothing of what is measured, only how long to wait for it,
	// where to log or how to get there: a measurement's identity leaves them out, and a
	// change of one measures nothing again. Only rows of a provider's block itself, not
	// of blocks in it, may be incidental.
	Incidental bool
	// Secret rows hold credentials: only a reference, env("NAME"), is taken. A text in a
	// suite would end in version control, and in state, plans and reports.
	Secret bool
	// Public rows end where others can read them, in the arguments of a process or the
	// log of a tool: secret references are refused.
	Public bool
}

// Block is one block type of the schema, its attributes and nested blocks.
type Block struct {
	Name       string
	Kind       string   // of a role's block: the provider's kind, its first label ("sim"); else empty
	Labels     []string // names of the labels, in order; the kind is one of them
	Doc        string
	Attributes []Attribute
	Blocks     []Block
	Repeatable bool // may stand more than once beside its like
	Open       bool // accepts attributes that no row names (matrix)
	Since      string
	Example    string // the block as a user would write it; empty: made from the rows' examples
}

// Incidental lists the names of the incidental rows; nil where there are none.
func (b Block) Incidental() []string {
	var names []string
	for i := range b.Attributes {
		if b.Attributes[i].Incidental {
			names = append(names, b.Attributes[i].Name)
		}
	}
	return names
}

// Attribute finds a row by name.
func (b Block) Attribute(name string) (Attribute, bool) {
	for _, a := range b.Attributes {
		if a.Name == name {
			return a, true
		}
	}
	return Attribute{}, false
}
