package lang

import (
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2/ext/tryfunc"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/function"
	"github.com/zclconf/go-cty/cty/function/stdlib"

	"aicv/lang/schema"
)

// secretName is what env("NAME") gives: a reference that can be passed on whole, and
// that neither templates nor functions can read.
type secretName string

// newSecretType makes the type of secrets; values are recognized by secretOf.
func newSecretType() cty.Type { return cty.Capsule("secret", reflect.TypeFor[secretName]()) }

// secretOf finds the variable's name in a secret.
func secretOf(v cty.Value) (string, bool) {
	t := v.Type()
	if !t.IsCapsuleType() || t.EncapsulatedType() != reflect.TypeFor[secretName]() || v.IsNull() || !v.IsKnown() {
		return "", false
	}
	name, ok := v.EncapsulatedValue().(*secretName)
	if !ok {
		return "", false
	}
	return string(*name), true
}

// functions is the fixed set of the language. All of them are pure: no clock, no
// random source, no file and no network, so that the same files give the same plan.
func functions() map[string]function.Function {
	all := map[string]function.Function{"env": envFunction(newSecretType())}
	for _, group := range []map[string]function.Function{numericFunctions(), stringFunctions(), collectionFunctions(), conversionFunctions()} {
		maps.Copy(all, group)
	}
	return all
}

func numericFunctions() map[string]function.Function {
	return map[string]function.Function{
		"abs": stdlib.AbsoluteFunc, "ceil": stdlib.CeilFunc, "floor": stdlib.FloorFunc, "log": stdlib.LogFunc,
		"max": stdlib.MaxFunc, "min": stdlib.MinFunc, "parseint": stdlib.ParseIntFunc, "pow": stdlib.PowFunc, "signum": stdlib.SignumFunc,
	}
}

func stringFunctions() map[string]function.Function {
	return map[string]function.Function{
		"chomp": stdlib.ChompFunc, "format": guarded(stdlib.FormatFunc, checkFormat), "formatlist": guarded(stdlib.FormatListFunc, checkFormat),
		"join":  guarded(stdlib.JoinFunc, checkJoin),
		"lower": stdlib.LowerFunc, "regex": stdlib.RegexFunc, "regexall": stdlib.RegexAllFunc, "replace": stdlib.ReplaceFunc,
		"regexreplace": stdlib.RegexReplaceFunc, "split": stdlib.SplitFunc, "strrev": stdlib.ReverseFunc, "substr": stdlib.SubstrFunc,
		"title": stdlib.TitleFunc, "trim": stdlib.TrimFunc, "trimprefix": stdlib.TrimPrefixFunc, "trimspace": stdlib.TrimSpaceFunc,
		"trimsuffix": stdlib.TrimSuffixFunc, "upper": stdlib.UpperFunc,
	}
}

func collectionFunctions() map[string]function.Function {
	return map[string]function.Function{
		"chunklist": stdlib.ChunklistFunc, "coalesce": stdlib.CoalesceFunc, "coalescelist": stdlib.CoalesceListFunc, "compact": stdlib.CompactFunc,
		"concat": stdlib.ConcatFunc, "contains": stdlib.ContainsFunc, "distinct": stdlib.DistinctFunc, "element": stdlib.ElementFunc,
		"flatten": stdlib.FlattenFunc, "keys": stdlib.KeysFunc, "length": lengthFunction(), "lookup": stdlib.LookupFunc,
		"merge": stdlib.MergeFunc, "range": stdlib.RangeFunc, "reverse": stdlib.ReverseListFunc, "setproduct": guarded(stdlib.SetProductFunc, checkProduct),
		"slice": stdlib.SliceFunc, "sort": stdlib.SortFunc, "values": stdlib.ValuesFunc, "zipmap": stdlib.ZipmapFunc,
	}
}

func conversionFunctions() map[string]function.Function {
	return map[string]function.Function{
		"can": tryfunc.CanFunc, "try": tryfunc.TryFunc,
		"jsondecode": stdlib.JSONDecodeFunc, "jsonencode": stdlib.JSONEncodeFunc,
		"tobool": stdlib.MakeToFunc(cty.Bool), "tolist": stdlib.MakeToFunc(cty.List(cty.DynamicPseudoType)),
		"tomap": stdlib.MakeToFunc(cty.Map(cty.DynamicPseudoType)), "tonumber": stdlib.MakeToFunc(cty.Number), "tostring": stdlib.MakeToFunc(cty.String),
	}
}

// lengthFunction counts the elements of a collection or the characters of a string.
func lengthFunction() function.Function {
	return function.New(&function.Spec{
		Description: "Elements of a collection, or characters of a string.",
		Params:      []function.Parameter{{Name: "value", Type: cty.DynamicPseudoType}},
		Type:        function.StaticReturnType(cty.Number),
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			if args[0].Type() == cty.String {
				return stdlib.Strlen(args[0])
			}
			return stdlib.Length(args[0])
		},
	})
}

// envFunction refers to an environment variable without reading it.
func envFunction(secretType cty.Type) function.Function {
	return function.New(&function.Spec{
		Description: "A secret, by the name of the environment variable that holds it.",
		Params:      []function.Parameter{{Name: "name", Type: cty.String}},
		Type:        function.StaticReturnType(secretType),
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			name := secretName(args[0].AsString())
			if !validVariable(string(name)) {
				return cty.NilVal, function.NewArgErrorf(0, "%q is no name of an environment variable", name)
			}
			return cty.CapsuleVal(secretType, &name), nil
		},
	})
}

// validVariable accepts the names that shells can set.
func validVariable(name string) bool {
	for i, c := range []byte(name) {
		letter := c == '_' || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')
		if !letter && (i == 0 || c < '0' || c > '9') {
			return false
		}
	}
	return name != ""
}

// Functions describes the functions of the language, sorted by name.
func Functions() []schema.Function {
	all := functions()
	list := make([]schema.Function, 0, len(all))
	for _, name := range functionNames(all) {
		list = append(list, schema.Function{Name: name, Signature: signature(name, all[name]), Doc: describeFunction(name, all[name])})
	}
	return list
}

// describeFunction is the library's text; two of its functions have none.
func describeFunction(name string, f function.Function) string {
	switch name {
	case "can":
		return "Returns true where the expression can be evaluated, or false where that is an error."
	case "try":
		return "Returns the first of the given expressions that can be evaluated without an error."
	}
	return strings.ReplaceAll(f.Description(), `\"`, `"`)
}

func signature(name string, f function.Function) string {
	var parameters []string
	for _, p := range f.Params() {
		parameters = append(parameters, p.Name)
	}
	if p := f.VarParam(); p != nil {
		parameters = append(parameters, p.Name+"...")
	}
	return name + "(" + strings.Join(parameters, ", ") + ")"
}

func functionNames(all map[string]function.Function) []string {
	return slices.Sorted(maps.Keys(all))
}
