// Command precis-vectors prints what golang.org/x/text/secure/precis makes of every code point, alone and beside the
// neighbours that the Bidi Rule and the contextual rules look at, and of some thousand generated strings. It is the
// second opinion that test/domain/identifier/precis-vectors.test.ts holds the service's own implementation against.
//
//	cd scripts/precis-vectors && GOTOOLCHAIN=auto go run . > ../../test/vectors/precis.txt
//
// The output is the same on every run: lines of hexadecimal code points, no character itself, so that the file holds
// nothing invisible or right-to-left.
//
// UsernameCaseMapped is made of Go's parts rather than taken whole, because Go's own is not RFC 8265's in two places: it
// asks the Bidi Rule of strings without right-to-left characters too, and its precis package never makes a final sigma.
//
//	[name profile template]    a section: X in the template stands for the code point
//	0041..005A +20             every code point of the range becomes itself plus 0x20
//	0000..0020 -               refused
//	0378 ?                     refused, and not assigned in this version of Unicode
//	0061..007A =               accepted and unchanged
//	0130 0069 0307             accepted as these code points
//	0030..0039 ok              accepted (sections whose name starts with "beside": the result is not told)
//	[strings]                  input | UsernameCaseMapped | OpaqueString, each as above
package main

import (
	"bufio"
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"unicode"

	"golang.org/x/text/cases"
	"golang.org/x/text/language"
	"golang.org/x/text/secure/bidirule"
	"golang.org/x/text/secure/precis"
	"golang.org/x/text/unicode/bidi"
	"golang.org/x/text/unicode/norm"
	"golang.org/x/text/width"
)

type section struct {
	name     string
	enforce  func(string) (string, error)
	template string
}

var (
	lower      = cases.Lower(language.Und, cases.HandleFinalSigma(true))
	identifier = precis.NewIdentifier(precis.Norm(norm.NFC))
)

func usernameCaseMapped(s string) (string, error) {
	result, err := identifier.String(lower.String(width.Fold.String(s)))
	if err == nil && bidirule.DirectionString(result) == bidi.RightToLeft && !bidirule.ValidString(result) {
		err = bidirule.ErrInvalid
	}
	return result, err
}

func opaqueString(s string) (string, error) {
	return precis.OpaqueString.String(s)
}

const (
	aleph = "\u05D0"
	mark  = "\uFFFF" // Where the code point goes: a noncharacter, so it is part of no template.
)

func main() {
	out := bufio.NewWriter(os.Stdout)
	defer out.Flush()

	fmt.Fprintf(out, "# golang.org/x/text/secure/precis, Unicode %s. Written by scripts/precis-vectors.\n", precis.UnicodeVersion)
	for _, s := range []section{
		{"alone UsernameCaseMapped", usernameCaseMapped, mark},
		{"alone OpaqueString", opaqueString, mark},
		{"beside UsernameCaseMapped", usernameCaseMapped, mark + aleph},
		{"beside UsernameCaseMapped", usernameCaseMapped, aleph + mark},
		{"beside UsernameCaseMapped", usernameCaseMapped, aleph + mark + aleph},
		{"beside UsernameCaseMapped", usernameCaseMapped, "\u0627" + mark + "\u0660"},
		{"beside OpaqueString", opaqueString, mark + "\u200D"},
		{"beside OpaqueString", opaqueString, mark + "\u05F3"},
		{"beside OpaqueString", opaqueString, mark + "\u30FB"},
		{"beside OpaqueString", opaqueString, "\u0375" + mark},
		{"beside OpaqueString", opaqueString, "l" + mark + "l"},
	} {
		printSection(out, s)
	}
	printStrings(out)
}

func printSection(out *bufio.Writer, s section) {
	fmt.Fprintf(out, "[%s %s]\n", s.name, strings.ReplaceAll(hex(s.template), hex(mark), "X"))
	start, previous, run := rune(0), rune(-1), ""
	flush := func() {
		if run == "" {
			return
		}
		if start == previous {
			fmt.Fprintf(out, "%04X %s\n", start, run)
			return
		}
		fmt.Fprintf(out, "%04X..%04X %s\n", start, previous, run)
	}
	for r := rune(0); r <= unicode.MaxRune; r++ {
		if r >= 0xD800 && r <= 0xDFFF {
			continue // No string of Go's can hold a surrogate.
		}
		v := verdict(s, r)
		// A range ends where the verdict changes, at the surrogates, and after a result that is spelled out.
		if v != run || r != previous+1 || strings.Contains(v, " ") {
			flush()
			start, run = r, v
		}
		previous = r
	}
	flush()
}

func verdict(s section, r rune) string {
	result, err := s.enforce(strings.ReplaceAll(s.template, mark, string(r)))
	switch {
	case err != nil && !assigned(r):
		return "?"
	case err != nil:
		return "-"
	case strings.HasPrefix(s.name, "beside"):
		return "ok"
	case result == string(r):
		return "="
	}
	if mapped := []rune(result); len(mapped) == 1 {
		return fmt.Sprintf("%+X", mapped[0]-r)
	}
	return strings.TrimSpace(" " + hex(result))
}

func assigned(r rune) bool {
	return unicode.In(r, unicode.L, unicode.M, unicode.N, unicode.P, unicode.S, unicode.Z, unicode.C)
}

// The alphabets that strings are drawn from: one or two a string, so that many are accepted and none is noise only.
var alphabets = [][]rune{
	[]rune("abcXYZ019._-@ !'"),
	[]rune("éÉßẞıİſKÅÿŸǅǆ"),
	[]rune("eaiu\u0301\u0300\u0308\u0307\u0323\u0345\u030A\u0327"),
	[]rune("αβσςΣΣΩάΆᾳᾼΐ\u0345\u0375\u03D2\u2126\u1FBE"),
	[]rune("абвгАБВГїЇѐ\u0306\u0308"),
	[]rune("אבגדה\u05B4\u05BC\u05F3\u05F4\u05BE019-."),
	[]rune("ابجدةپ\u064B\u0651\u0640\u06601\u0669\u06F1\u06F9\u06FD-."),
	[]rune("\u0710\u0712\u0780\u0781\u07A6\u07C1\u07CA\U0001E900\U0001E922\U0001E950\U00010D00\U00010D30"),
	[]rune("कषर\u094D\u200C\u200D\u093C\u0958\u0966"),
	[]rune("\u0628\u0629\u200C\u0627\u0644\u200D"),
	[]rune("\u1100\u1161\u11A8가각힣\u3131\uFFA1\uFFC2\u3164\uFFA0"),
	[]rune("かがカガ\u3099\u309A\uFF76\uFF9E\uFF9F\u30FB\uFF65ー漢字〇"),
	[]rune("ａＡ０！＠．￣￥　ﬁ①²"),
	[]rune(" \u00A0\u2003\u3000\u1680\u2028pass"),
	[]rune("😀❤\uFE0F\U0001F3FD🇫🇷a"),
	[]rune("l\u00B7lL\u0387ŀ"),
	[]rune("\u00AD\u200B\u2060\uFEFF\u202E\u2066\u061C\u034F\u115Fab"),
	[]rune("\uE000\uFDD0\U000E0001\U0010FFFD\x00\x7Fab"),
}

func printStrings(out *bufio.Writer) {
	fmt.Fprintln(out, "[strings]")
	random := rand.New(rand.NewPCG(8264, 8265))
	seen := map[string]bool{}
	for len(seen) < 4000 {
		one, other := pick(random, alphabets), pick(random, alphabets)
		if random.IntN(2) == 0 {
			other = one
		}
		var b strings.Builder
		for length := 1 + random.IntN(7); length > 0; length-- {
			if random.IntN(3) == 0 {
				b.WriteRune(pick(random, other))
			} else {
				b.WriteRune(pick(random, one))
			}
		}
		s := b.String()
		if !seen[s] {
			seen[s] = true
			fmt.Fprintf(out, "%s|%s|%s\n", hex(s), answer(usernameCaseMapped, s), answer(opaqueString, s))
		}
	}
}

func pick[T any](random *rand.Rand, from []T) T {
	return from[random.IntN(len(from))]
}

func answer(enforce func(string) (string, error), s string) string {
	result, err := enforce(s)
	switch {
	case err != nil:
		return "-"
	case result == s:
		return "="
	}
	return hex(result)
}

func hex(s string) string {
	var parts []string
	for _, r := range s {
		parts = append(parts, fmt.Sprintf("%04X", r))
	}
	return strings.Join(parts, " ")
}
