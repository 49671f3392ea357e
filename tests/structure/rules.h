#pragma once

#include <string>
#include <string_view>
#include <vector>

// The rules that keep the tree readable, as functions from text to complaints, so that the rules can be tested.
namespace structure {

struct SourceFile {
  std::string path;  // from the root of the repository, with '/'
  std::string text;
};

// Reads include/, lib/, tests/, docs/ and bench/ under `root`: C++, shell and CMake files.
std::vector<SourceFile> read_tree(const std::string& root);

// Complaints about a tree, each "path:line: what is wrong" or "path: what is wrong". `layers` is the text of
// layers.txt.
std::vector<std::string> check_tree(const std::vector<SourceFile>& files, const std::string& layers);

struct Function {
  std::string name;
  int first_line = 0;  // of the body's opening brace
  int lines = 0;       // of the body, braces included
};

// The functions with a body at namespace or class scope, lambdas inside them not counted apart. A reading by braces: it
// needs no compiler, and is exact enough for code that clang-format has laid out.
std::vector<Function> functions_in(std::string_view text);

// The text with comments, literals and preprocessor lines turned into spaces; lines stay where they are.
std::string code_only(std::string_view text);

}  // namespace structure
