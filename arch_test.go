package cota_test

import (
	"cmp"
	"go/ast"
	"go/build/constraint"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const modulePath = "github.com/cotahq/cota"

// importMap says which packages of this module a package may import, and why it
// needs them. The root is ".". A package imports only from lines above its own,
// so imports point one way. Test files may import anything.
var importMap = []struct {
	pkg     string
	imports []string
	reason  string
}{
	{".", nil, "the words and rules of remote configuration hold wherever they are used"},
	{"alink", nil, "the wire format is of use without the server"},
	{"internal/mqtt", nil, "packets are bytes, whoever sends them"},
	{"internal/limit", nil, "counts refusals, whatever is refused"},
	{"internal/epoll", nil, "moves bytes, whatever they mean"},
	{"internal/pipenet", nil, "stands in for the network in tests"},
	{"internal/certtest", nil, "makes certificates in a test"},
	{"internal/port", nil, "tells transports apart, whatever they carry and whoever serves them"},
	{"internal/backup", nil, "a backup is bytes, whatever is in the database"},
	{"internal/keypair", nil, "certificates are files, whoever shows them"},
	{"internal/store", []string{"."}, "keeps the root's values, and returns its errors"},
	{"internal/store/storetest", []string{"internal/store"}, "opens stores of both engines in a test"},
	{"device", []string{"alink"}, "speaks the wire format; stays small enough for a device"},
	{"client", []string{"."}, "hands programs the words and errors that the API speaks"},
	{"internal/sms", nil, "sends a text to a phone, whatever the text is for"},
	{"internal/console", nil, "is files; the page they hold knows the public API only"},
	{"internal/control", []string{".", "internal/store", "internal/sms"}, "applies the rules, keeps what follows, sends codes to who must confirm"},
	{"internal/sim", []string{"alink", "internal/mqtt", "device"}, "plays devices, thousands to a process"},
	{"internal/gateway", []string{".", "alink", "internal/mqtt", "internal/control", "internal/limit", "internal/port", "internal/epoll"}, "turns packets into commands, and pushes into packets"},
	{"internal/download", []string{".", "internal/control", "internal/limit", "internal/epoll"}, "opens links, and reports what was fetched"},
	{"internal/register", []string{".", "alink", "internal/control", "internal/limit"}, "reads forms, and answers what control decides of them"},
	{"internal/api", []string{".", "internal/store", "internal/control", "internal/limit"}, "commands go through control, queries straight to store"},
	{"internal/server", []string{".", "internal/store", "internal/sms", "internal/console", "internal/control", "internal/port", "internal/keypair", "internal/gateway", "internal/download", "internal/register", "internal/api", "internal/backup"}, "assembles every part"},
	{"internal/server/servertest", []string{".", "alink", "internal/mqtt", "device", "client", "internal/sim", "internal/pipenet", "internal/server"}, "puts a server, and all that talks to one, in a test"},
	{"cmd/cota", []string{".", "device", "client", "internal/sim", "internal/server"}, "one command starts a server, a device, a crowd, or talks to a server"},
	{"internal/simtest", nil, "holds tests only: a server and all who talk to it, simulated"},
	{"e2e", nil, "holds tests only, of the built command"},
}

// importedOnlyBy keeps a library behind the one package that is there to hide it.
var importedOnlyBy = []struct {
	library string
	pkg     string
	reason  string
}{
	{"modernc.org/sqlite", "internal/store", "one package speaks SQL"},
	{"github.com/jackc/pgx", "internal/store", "one package speaks SQL"},
	{"github.com/pressly/goose", "internal/store", "the schema is the store's own"},
}

// standardLibraryOnly names the packages that whoever imports them gets for free.
var standardLibraryOnly = []string{".", "alink", "internal/mqtt"}

// namelessNames say what is in a package by saying nothing.
var namelessNames = []string{"util", "utils", "common", "helper", "helpers", "types", "models", "pkg"}

// sourcePackage is what the files of one directory, tests aside, say of it.
type sourcePackage struct {
	name    string
	doc     string
	imports map[string]token.Position
}

func TestImportMapPointsOneWay(t *testing.T) {
	var above []string
	for _, line := range importMap {
		if slices.Contains(above, line.pkg) {
			t.Errorf("importMap has two lines for %s; want one", line.pkg)
		}
		for _, imported := range line.imports {
			if !slices.Contains(above, imported) {
				t.Errorf("importMap lets %s import %s, which is not on a line above it", line.pkg, imported)
			}
		}
		above = append(above, line.pkg)
	}
}

func TestImports(t *testing.T) {
	allowed := map[string][]string{}
	for _, line := range importMap {
		allowed[line.pkg] = line.imports
	}
	for dir, pkg := range sourcePackages(t) {
		imports, known := allowed[dir]
		if !known {
			t.Errorf("package %s is not in importMap: add a line that says what it may import, and why", dir)
			continue
		}
		for imported, at := range pkg.imports {
			if inner, ok := insideModule(imported); ok && !slices.Contains(imports, inner) {
				t.Errorf("%s: %s imports %s; importMap lets it import %q", at, dir, inner, imports)
			}
		}
	}
}

func TestLibrariesBehindOnePackage(t *testing.T) {
	for dir, pkg := range sourcePackages(t) {
		for imported, at := range pkg.imports {
			for _, rule := range importedOnlyBy {
				if under(imported, rule.library) && !under(dir, rule.pkg) {
					t.Errorf("%s: %s imports %s; only %s does: %s", at, dir, imported, rule.pkg, rule.reason)
				}
			}
			if slices.Contains(standardLibraryOnly, dir) && !inStandardLibrary(imported) {
				t.Errorf("%s: %s imports %s; it imports the standard library only", at, dir, imported)
			}
		}
	}
}

func TestPackagesSayWhatTheyAreFor(t *testing.T) {
	for dir, pkg := range sourcePackages(t) {
		if slices.Contains(namelessNames, pkg.name) || slices.Contains(namelessNames, path.Base(dir)) {
			t.Errorf("package %s (%s) has a name that says nothing; name it after what it does", pkg.name, dir)
		}
		want := "Package " + pkg.name + " "
		if pkg.name == "main" {
			want = ""
		}
		if pkg.doc == "" || !strings.HasPrefix(pkg.doc, want) {
			t.Errorf("doc comment of package %s (%s) = %q; want one that begins with %q", pkg.name, dir, pkg.doc, cmp.Or(want, "what the command does"))
		}
	}
}

// TestModulesThatMoveTogether guards requirements that the go command would
// let drift apart. When it fails after an upgrade, look up the pair again in
// the go.mod of the new version of the first, and change both here.
func TestModulesThatMoveTogether(t *testing.T) {
	pairs := []struct {
		module, version string
		with, at        string
		reason          string
	}{
		{"modernc.org/sqlite", "v1.61.1", "modernc.org/libc", "v1.79.0", "SQLite, translated to Go, is tested against exactly this libc"},
	}
	required := requirements(t)
	for _, pair := range pairs {
		for module, want := range map[string]string{pair.module: pair.version, pair.with: pair.at} {
			if got := required[module]; got != want {
				t.Errorf("go.mod requires %s %q; want %q, for %s %s goes with %s %s: %s",
					module, got, want, pair.module, pair.version, pair.with, pair.at, pair.reason)
			}
		}
	}
}

// sourcePackages parses every package of the module, test files aside. It reads
// the files itself, so that the test cache knows what it depends on.
func sourcePackages(t *testing.T) map[string]*sourcePackage {
	t.Helper()
	packages := map[string]*sourcePackage{}
	files := token.NewFileSet()
	err := filepath.WalkDir(".", func(name string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir():
			return enter(name)
		case !strings.HasSuffix(name, ".go"), strings.HasSuffix(name, "_test.go"):
			return nil
		}
		file, err := parser.ParseFile(files, name, nil, parser.ImportsOnly|parser.ParseComments)
		if err != nil || outsideBuild(file) {
			return err
		}
		dir := filepath.ToSlash(filepath.Dir(name))
		pkg := packages[dir]
		if pkg == nil {
			pkg = &sourcePackage{imports: map[string]token.Position{}}
			packages[dir] = pkg
		}
		pkg.name = file.Name.Name
		pkg.doc += file.Doc.Text()
		for _, spec := range file.Imports {
			imported, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				return err
			}
			pkg.imports[imported] = files.Position(spec.Pos())
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(packages) == 0 {
		t.Fatal("no package found; want at least the root")
	}
	return packages
}

// enter returns fs.SkipDir for directories that hold no package of this module.
func enter(dir string) error {
	base := filepath.Base(dir)
	switch {
	case dir == ".":
		return nil
	case base[0] == '.', base[0] == '_', slices.Contains([]string{"node_modules", "testdata", "bin", "data"}, base):
		return fs.SkipDir
	}
	if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
		return fs.SkipDir
	}
	return nil
}

// outsideBuild tells whether a file is a program of its own, run by hand
// and marked "//go:build ignore".
func outsideBuild(file *ast.File) bool {
	for _, group := range file.Comments {
		for _, comment := range group.List {
			if group.Pos() > file.Package || !constraint.IsGoBuild(comment.Text) {
				continue
			}
			expr, err := constraint.Parse(comment.Text)
			if tag, ok := expr.(*constraint.TagExpr); err == nil && ok && tag.Tag == "ignore" {
				return true
			}
		}
	}
	return false
}

// requirements reads the versions that go.mod requires. It understands what
// the go command writes.
func requirements(t *testing.T) map[string]string {
	t.Helper()
	text, err := os.ReadFile("go.mod")
	if err != nil {
		t.Fatal(err)
	}
	required := map[string]string{}
	for line := range strings.Lines(string(text)) {
		fields := strings.Fields(strings.TrimPrefix(line, "require "))
		if len(fields) >= 2 && strings.HasPrefix(fields[1], "v") {
			required[fields[0]] = fields[1]
		}
	}
	return required
}

// insideModule turns an import path of this module into a line's name for it.
func insideModule(imported string) (pkg string, ok bool) {
	if imported == modulePath {
		return ".", true
	}
	return strings.CutPrefix(imported, modulePath+"/")
}

// under tells whether a path is root, or lies below it.
func under(path, root string) bool {
	return path == root || strings.HasPrefix(path, root+"/")
}

func inStandardLibrary(imported string) bool {
	first, _, _ := strings.Cut(imported, "/")
	return !strings.Contains(first, ".")
}
