package gateway

// product is what sessions know of a product. There is one for all of its
// devices, so that each of them takes a pointer.
type product struct {
	key      string
	messages *messages // of its devices; nil keeps none
}
