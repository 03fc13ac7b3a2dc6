package lazyregexp_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/imgaudit/imgaudit/internal/lazyregexp"
)

// Every expression of the tree compiles: the first user would find out otherwise.
func TestAllCompile(t *testing.T) {
	root, found := os.DirFS("../.."), 0
	err := fs.WalkDir(root, "pkg", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(name, ".go") {
			return err
		}
		src, err := fs.ReadFile(root, name)
		if err != nil {
			return err
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, src, 0)
		if err != nil {
			return err
		}
		ast.Inspect(file, func(n ast.Node) bool {
			call, ok := n.(*ast.CallExpr)
			if !ok || len(call.Args) != 1 {
				return true
			}
			if f, ok := call.Fun.(*ast.SelectorExpr); !ok || f.Sel.Name != "New" || f.X.(*ast.Ident).Name != "lazyregexp" {
				return true
			}
			found++
			if text, ok := literal(call.Args[0]); ok {
				if _, err := regexp.Compile(text); err != nil {
					t.Errorf("%s: %v", name, err)
				}
			}
			return true
		})
		return nil
	})
	if err != nil || found == 0 {
		t.Fatalf("%d expressions, %v", found, err)
	}
}

// literal is the value of string literals that are added up; ok is false for anything else.
func literal(e ast.Expr) (text string, ok bool) {
	switch e := e.(type) {
	case *ast.BasicLit:
		text, err := strconv.Unquote(e.Value)
		return text, err == nil
	case *ast.BinaryExpr:
		x, okX := literal(e.X)
		y, okY := literal(e.Y)
		return x + y, okX && okY
	}
	return "", false
}

func TestUse(t *testing.T) {
	r := lazyregexp.New(`b+`)
	if !r.MatchString("abbc") || r.FindString("abbc") != "bb" || r.ReplaceAllString("abbc", "x") != "axc" {
		t.Error("an expression does not match what it says")
	}
}
