package dockerfile

// Walk calls visit for every file and directory that the ignore file leaves in the context, by its path, a directory
// before what is in it. Symbolic links are files here: none is followed. An ignored directory that holds something kept
// comes with it.
func (c *Context) Walk(visit func(name string, dir bool) error) error { return c.visit(".", visit) }
