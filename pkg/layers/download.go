package layers

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
)

// maxResumed bounds how often one download is taken up again; a silence costs as much as half of them.
const maxResumed = 8

// download is a blob on its way. One that breaks off is taken up where it broke off, or, by a registry that cannot,
// from its start, and at last at the next place. Whoever reads it holds all of its bytes against its digest.
type download struct {
	ctx  context.Context
	from []*repository
	what descriptor

	body  io.ReadCloser // nil when it broke off
	place int           // index in from
	at    int64         // bytes handed out
	left  int           // how often it may still break off
	tried attempts
}

// connect asks for the bytes from here on, of the first place that has them.
func (d *download) connect() error {
	for ; d.place < len(d.from); d.place++ {
		err := d.ask(d.from[d.place])
		if err == nil || context.Cause(d.ctx) != nil {
			return err
		}
		d.tried.add(d.from[d.place], err)
	}
	return d.tried.err()
}

// ask asks one place, which may answer with all of the bytes or say that it does not understand ranges.
func (d *download) ask(r *repository) error {
	header := http.Header{}
	if d.at > 0 && d.at < d.what.Size {
		header.Set("Range", fmt.Sprintf("bytes=%d-%d", d.at, d.what.Size-1))
	}
	resp, err := r.get(d.ctx, "/blobs/"+d.what.Digest, header, http.StatusOK, http.StatusPartialContent, http.StatusRequestedRangeNotSatisfiable)
	if err == nil && resp.StatusCode == http.StatusRequestedRangeNotSatisfiable {
		resp.Body.Close()
		resp, err = r.get(d.ctx, "/blobs/"+d.what.Digest, nil, http.StatusOK)
	}
	if err != nil {
		return err
	}
	switch {
	case resp.StatusCode == http.StatusOK:
		err = discard(resp.Body, d.at)
	case !strings.HasPrefix(resp.Header.Get("Content-Range"), fmt.Sprintf("bytes %d-", d.at)):
		err = fmt.Errorf("asked for the bytes from %d, got %s", d.at, printable(resp.Header.Get("Content-Range")))
	}
	if err != nil {
		resp.Body.Close()
		return clean(err)
	}
	d.body = resp.Body
	return nil
}

func (d *download) Read(p []byte) (int, error) {
	if d.body == nil {
		if err := d.connect(); err != nil {
			return 0, err
		}
	}
	n, err := d.body.Read(p)
	d.at += int64(n)
	switch {
	case err == nil:
		return n, nil
	case d.at > d.what.Size:
		return n, fmt.Errorf("more than the promised %d bytes", d.what.Size)
	case d.at == d.what.Size:
		return n, io.EOF
	case err == io.EOF:
		err = io.ErrUnexpectedEOF
	}
	d.body.Close()
	d.body = nil
	if broken := d.broken(err); broken != nil {
		return n, broken
	}
	return n, nil
}

// broken decides whether to take up a download that broke off.
func (d *download) broken(err error) error {
	if context.Cause(d.ctx) != nil {
		return context.Cause(d.ctx)
	}
	d.left--
	var late *silence
	if errors.As(err, &late) {
		d.left -= maxResumed / 2
	}
	r := d.from[d.place]
	if d.left >= 0 {
		return sleep(d.ctx, r.net.patience.pause)
	}
	d.tried.add(r, fmt.Errorf("the download broke off after %d of %d bytes: %w", d.at, d.what.Size, clean(err)))
	if d.place++; d.place == len(d.from) {
		return d.tried.err()
	}
	d.left = maxResumed
	return nil
}

func (d *download) Close() error {
	if d.body == nil {
		return nil
	}
	return d.body.Close()
}
