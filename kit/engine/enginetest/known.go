package enginetest

import (
	"fmt"
	"slices"

	"aicv/kit/engine"
	"aicv/spec"
)

// UnknownModes are the values that a table has a row for and that the language does not
// know: each would be told to a user as misspelt.
func UnknownModes(table engine.Table) []string {
	var found []string
	for _, item := range spec.ConfigurationItems() {
		for _, row := range table.Rows {
			for _, v := range row.Values {
				if row.Item == item.Name && len(item.Known) > 0 && v != engine.Unset && !slices.Contains(item.Known, v) {
					found = append(found, fmt.Sprintf("%s has a row for %s", item.Name, v))
				}
			}
		}
	}
	return found
}
