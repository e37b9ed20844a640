package api

import "strconv"

// Page asks for a page of a list that is in the order of names.
type Page struct {
	After string `query:"after" doc:"next of the page before"`
	Limit int    `query:"limit" minimum:"1" maximum:"500" default:"50"`
}

// NumberedPage asks for a page of a list that is in the order of numbers.
type NumberedPage struct {
	After int64 `query:"after" minimum:"1" doc:"next of the page before"`
	Limit int   `query:"limit" minimum:"1" maximum:"500" default:"50"`
}

// cut makes a page of what was read: one more than the page holds, if there
// is more. next is the key of the page's last member then, and "" at the end
// of the list.
func cut[T any](all []T, limit int, key func(T) string) (page []T, next string) {
	if len(all) <= limit {
		return all, ""
	}
	page = all[:limit]
	return page, key(page[limit-1])
}

func number(n int64) string { return strconv.FormatInt(n, 10) }

// OfProduct is the part of a path that names a product. Of these types huma
// sees only those that are exported.
type OfProduct struct {
	Product string `path:"productKey"`
}

// OfDevice names a device of a product.
type OfDevice struct {
	OfProduct
	Device string `path:"deviceName"`
}

// OfPush names a push.
type OfPush struct {
	No int64 `path:"no" minimum:"1"`
}
