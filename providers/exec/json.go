package exec

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"unicode/utf8"
)

// strict reads one JSON object: every key known and there once, nothing behind it.
func strict(line []byte, into any) error {
	if !utf8.Valid(line) {
		return errors.New("it is not UTF-8 text")
	}
	var object map[string]json.RawMessage
	if err := json.Unmarshal(line, &object); err != nil {
		return said(line, err)
	}
	if object == nil { // null
		return errNoObject
	}
	decoder := json.NewDecoder(bytes.NewReader(line))
	decoder.UseNumber()
	if err := distinct(decoder); err != nil {
		return err
	}
	decoder = json.NewDecoder(bytes.NewReader(line))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(into); err != nil {
		return said(line, err)
	}
	return nil
}

var errNoObject = errors.New("it is no JSON object")

// distinct reads a value token by token: no object in it has a key twice, of which one
// would be lost. The value is known to be JSON, so its depth is bounded.
func distinct(decoder *json.Decoder) error {
	token, err := decoder.Token()
	delim, nested := token.(json.Delim)
	if err != nil || !nested {
		return err
	}
	seen := map[string]bool{}
	for decoder.More() {
		if delim == '{' {
			key, err := decoder.Token()
			if err != nil {
				return err
			}
			name, _ := key.(string) // the decoder takes nothing else as a key
			if seen[name] {
				return fmt.Errorf("it has %q twice", name)
			}
			seen[name] = true
		}
		if err := distinct(decoder); err != nil {
			return err
		}
	}
	_, err = decoder.Token()
	return err
}

// said puts an error of the JSON reader into words.
func said(line []byte, err error) error {
	var syntax *json.SyntaxError
	var typed *json.UnmarshalTypeError
	switch {
	case errors.As(err, &typed) && typed.Field == "":
		return errNoObject
	case errors.As(err, &typed):
		return fmt.Errorf("%s is %s, and must be %s", typed.Field, article(typed.Value), article(jsonName(typed.Type.Kind())))
	case !errors.As(err, &syntax):
		return errors.New(strings.TrimPrefix(err.Error(), "json: "))
	case int(syntax.Offset) >= len(line) && strings.HasPrefix(syntax.Error(), "unexpected end"):
		return errors.New("it ends in the middle")
	}
	if word := notFinite(line[max(int(syntax.Offset)-1, 0):]); word != "" {
		return fmt.Errorf("it is not JSON: %s is no number there; leave out what could not be computed", word)
	}
	return errors.New("it is not JSON: " + syntax.Error())
}

// notFinite names what programs write for numbers that JSON does not have. The reader
// stops behind a minus.
func notFinite(rest []byte) string {
	for _, word := range []string{"NaN", "nan", "Infinity", "inf", "Inf"} {
		if bytes.HasPrefix(rest, []byte(word)) {
			return word
		}
	}
	return ""
}

func jsonName(kind reflect.Kind) string {
	switch kind {
	case reflect.String:
		return "string"
	case reflect.Bool:
		return "true or false"
	case reflect.Slice:
		return "array"
	case reflect.Int, reflect.Float64:
		return "number"
	}
	return "object"
}

func article(what string) string {
	switch {
	case what == "true or false" || what == "null":
		return what
	case what == "object" || what == "array":
		return "an " + what
	}
	return "a " + what
}
