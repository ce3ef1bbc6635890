package loadgen

import (
	"math"
	"math/rand/v2"
	"strings"
)

// vocabularySize is the number of words that prompts are made of.
const vocabularySize = 256

// numberingWords is the number of leading words that tell prompts apart: enough for
// 16,777,216 requests.
const numberingWords = 3

// vocabulary lists common short English words, each one token with a leading space
// in the byte-pair vocabularies of current models.
func vocabulary() []string {
	return strings.Fields(`
the of and to in is was for that it with as his on be at by had not are but from or have an they which one
you were all her she there would their we him been has when who will no more if out so what up said its about
than into them can only other time new some could these two may first then do any like my now over such our man
me even most made after also did many off before must well back through years where much your way down should
because long each just state those people too mr how little good world make very year still see own work men day
get here old life both between being under three never know same last another while us might great go come since
against right came take used himself few house use place during high without again home around small however found
mrs part school thought went say general once upon war left every don does got united number hand course water until
always public put think head set better nothing night end why called didn eyes find going look asked later point
city next program business give group toward days young let room side social far given present several order national
second possible rather face per among form important often things large big need different kind above almost light family body
least country whole open early best four white held thing enough mind seemed power book show`)
}

// prompts makes the prompts of one run.
type prompts struct {
	words  []string
	seed   uint64
	shared float64 // share of each prompt that all begin with
}

func newPrompts(seed int64, shared float64) *prompts {
	return &prompts{words: vocabulary(), seed: uint64(seed), shared: shared}
}

// appendWords appends a prompt of n words with single spaces. Its first ones are those of all prompts, as
// many as the shared part has; then come those that tell it from all others.
func (p *prompts) appendWords(b []byte, index, n int) []byte {
	common := int(p.shared*float64(n) + 0.5)
	random := rand.New(rand.NewPCG(p.seed, math.MaxUint64))
	for i := range common {
		b = p.appendWord(b, i, random.Uint32())
	}
	random = rand.New(rand.NewPCG(p.seed, uint64(index)))
	// Odd factors permute the numbers below 2^24, so that the leading words of two
	// requests are never the same and those of neighbours differ in the first.
	number := uint32(index)*0x9E3779B1 + uint32(p.seed)*0x85EBCA6B
	for i := common; i < n; i++ {
		if own := i - common; own < numberingWords {
			b = p.appendWord(b, i, number>>(8*own))
			continue
		}
		b = p.appendWord(b, i, random.Uint32())
	}
	return b
}

func (p *prompts) appendWord(b []byte, at int, number uint32) []byte {
	if at > 0 {
		b = append(b, ' ')
	}
	return append(b, p.words[number&0xff]...)
}
