package engine

import (
	"testing"
)

func TestReadMetrics(t *testing.T) {
	page := `# HELP x A counter.
# TYPE x counter
x_total{engine="0",model="a \"b\" {c},"} 3.0
x_total{engine="1"} 4e0 1700000000
y 0.5
y{engine="1"} 0.75
z NaN
broken{ 5
`
	n := CounterNames{PromptTokens: []string{"gone_total", "x_total"}, KVCacheUsage: []string{"y"}, Running: []string{"z"}, Waiting: []string{"broken"}}
	c := n.Read([]byte(page))
	if c.PromptTokens == nil || *c.PromptTokens != 7 || c.KVCacheUsage == nil || *c.KVCacheUsage != 0.75 {
		t.Errorf("%+v", c)
	}
	if c.Running != nil || c.Waiting != nil || c.Preemptions != nil {
		t.Errorf("figures that are not there: %+v", c)
	}
}

func FuzzReadMetrics(f *testing.F) {
	f.Add([]byte("a{b=\"c\\\"d\"} 1\n# x\na 2"))
	f.Fuzz(func(t *testing.T, page []byte) {
		for _, s := range ReadMetrics(page, func(string) bool { return true }) {
			if s.Name == "" || s.Value != s.Value {
				t.Errorf("%+v", s)
			}
		}
	})
}
