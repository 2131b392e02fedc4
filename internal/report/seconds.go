// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

package report

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"time"

	"github.com/go-json-experiment/json/jsontext"
)

var errNoSeconds = errors.New("not a number of seconds")

// appendTo appends s as JSON has it. A float64 has the microseconds of any duration that
// is shorter than 285 years.
func (s Seconds) appendTo(b []byte) []byte {
	return strconv.AppendFloat(b, time.Duration(s).Seconds(), 'f', 6, 64)
}

// MarshalJSONTo writes a number of seconds with six decimals.
func (s Seconds) MarshalJSONTo(enc *jsontext.Encoder) error {
	var room [32]byte
	return enc.WriteValue(s.appendTo(room[:0]))
}

// UnmarshalJSONFrom reads a number of seconds, to the nearest nanosecond. More than fit
// into a duration are an error.
func (s *Seconds) UnmarshalJSONFrom(dec *jsontext.Decoder) error {
	token, err := dec.ReadToken()
	if err != nil {
		return err
	}
	if token.Kind() != '0' {
		return errNoSeconds
	}
	n, err := strconv.ParseFloat(token.String(), 64)
	if n *= 1e9; err != nil || math.Abs(n) >= math.MaxInt64 {
		return fmt.Errorf("%s s: more than a duration can be", token)
	}
	*s = Seconds(math.Round(n))
	return nil
}
