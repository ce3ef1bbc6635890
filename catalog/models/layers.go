package models

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Layers is a set of layer indices, from 0, sorted. It is written as ranges: "0-2,5".
type Layers []int

// layersTo lists the indices below n.
func layersTo(n int) Layers {
	all := make(Layers, n)
	for i := range all {
		all[i] = i
	}
	return all
}

// Contains reports whether a layer belongs to the set.
func (l Layers) Contains(layer int) bool {
	_, found := slices.BinarySearch(l, layer)
	return found
}

// Within counts the layers of the set with first <= index < end.
func (l Layers) Within(first, end int) int {
	low, _ := slices.BinarySearch(l, first)
	high, _ := slices.BinarySearch(l, end)
	return high - low
}

// String writes the set as ranges.
func (l Layers) String() string {
	var parts []string
	for i := 0; i < len(l); {
		end := i
		for end+1 < len(l) && l[end+1] == l[end]+1 {
			end++
		}
		text := strconv.Itoa(l[i])
		if end > i {
			text += "-" + strconv.Itoa(l[end])
		}
		parts = append(parts, text)
		i = end + 1
	}
	return strings.Join(parts, ",")
}

// MarshalJSON writes the set as ranges.
func (l Layers) MarshalJSON() ([]byte, error) { return json.Marshal(l.String()) }

// UnmarshalJSON reads ranges that ascend.
func (l *Layers) UnmarshalJSON(data []byte) error {
	var text string
	if err := json.Unmarshal(data, &text); err != nil {
		return fmt.Errorf("read layers: %w", err)
	}
	parsed, err := parseLayers(text)
	*l = parsed
	return err
}

func parseLayers(text string) (Layers, error) {
	var set Layers
	if text == "" {
		return nil, nil
	}
	for part := range strings.SplitSeq(text, ",") {
		from, to, isRange := strings.Cut(part, "-")
		if !isRange {
			to = from
		}
		first, errFirst := strconv.Atoi(from)
		last, errLast := strconv.Atoi(to)
		ascends := len(set) == 0 || first > set[len(set)-1]
		if errFirst != nil || errLast != nil || first < 0 || last < first || last >= maxLayers || !ascends {
			return nil, fmt.Errorf("layers %q: want ascending ranges such as 0-2,5", text)
		}
		for i := first; i <= last; i++ {
			set = append(set, i)
		}
	}
	return set, nil
}

// union merges sets that share no layer.
func union(sets []Layers) Layers {
	all := slices.Concat(sets...)
	slices.Sort(all)
	return all
}
