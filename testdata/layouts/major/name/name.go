package name

func Name() string { return "two" }
