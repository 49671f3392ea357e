#include "cli/rows.h"

#include <catch2/catch.hpp>
#include <cstring>
#include <fstream>
#include <random>

#include "cli/files.h"

namespace tr = tailrace;
using namespace tailrace::cli;

namespace {

std::string problem(const tr::Built<Rows>& rows) { return rows ? "no problem" : rows.error().what(); }

// A .npy file of version 1.
std::string npy(const std::string& header, const std::string& data) {
  std::string bytes = "\x93NUMPY";
  bytes += '\1';
  bytes += '\0';
  bytes += static_cast<char>(header.size() & 255);
  bytes += static_cast<char>(header.size() >> 8);
  return bytes + header + data;
}
std::string header(const std::string& descr, const std::string& shape, bool fortran = false) {
  return "{'descr': '" + descr + "', 'fortran_order': " + (fortran ? "True" : "False") + ", 'shape': " + shape +
         ", }\n";
}
template <class T>
std::string bytes_of(std::vector<T> values) {
  return {reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T)};
}

}  // namespace

TEST_CASE("CSV: rows of numbers, blanks, empty lines, line ends and a heading") {
  const auto rows = parse_csv("a,b , c\r\n\r\n1, 2.5,+3\r\n\n  \n-4e2,.5,6");
  REQUIRE(rows);
  CHECK(rows->count == 2);
  CHECK(rows->shape == tr::Shape{3});
  CHECK(rows->values == std::vector<float>{1, 2.5, 3, -400, 0.5, 6});
  CHECK(rows->row(1).as<float>()[0] == -400);
  CHECK(parse_csv("")->count == 0);
  CHECK(parse_csv("only,a,heading\n")->count == 0);
  CHECK(parse_csv("1\n2\n3")->count == 3);
}

TEST_CASE("CSV: mistakes have a line and a column") {
  CHECK(problem(parse_csv("1,2\n3,x4\n")) == "2:3: 'x4' is not a number that fits float32");
  CHECK(problem(parse_csv("1,2\n3\n")) == "2:1: has 1 number, expected 2 as in line 1");
  CHECK(problem(parse_csv("\n1,2\n\n3,4,5\n")) == "4:1: has 3 numbers, expected 2 as in line 2");
  CHECK(problem(parse_csv("1,\n")) == "1:3: a number is missing");
  CHECK(problem(parse_csv("1,,2\n")) == "1:3: a number is missing");
  CHECK(problem(parse_csv("1,1e99\n")) == "1:3: '1e99' is not a number that fits float32");
  CHECK(problem(parse_csv("1 2\n3 4")) == "2:1: '3 4' is not a number that fits float32");
  CHECK(problem(parse_csv("a\nb\n")) == "2:1: 'b' is not a number that fits float32");
}

TEST_CASE("npy: types, byte orders, versions and Fortran order") {
  const auto rows = parse_npy(npy(header("<f4", "(2, 3)"), bytes_of<float>({1, 2, 3, 4, 5, 6})));
  REQUIRE(rows);
  CHECK(rows->count == 2);
  CHECK(rows->shape == tr::Shape{3});
  CHECK(rows->values == std::vector<float>{1, 2, 3, 4, 5, 6});
  CHECK(parse_npy(npy(header("<f8", "(1, 2)"), bytes_of<double>({0.5, -1})))->values == std::vector<float>{0.5, -1});
  CHECK(parse_npy(npy(header("|u1", "(2, 1)"), bytes_of<std::uint8_t>({0, 255})))->values ==
        std::vector<float>{0, 255});
  CHECK(parse_npy(npy(header("<i8", "(1, 1)"), bytes_of<std::int64_t>({-7})))->values == std::vector<float>{-7});
  CHECK(parse_npy(npy(header("|b1", "(1, 2)"), std::string("\1\0", 2)))->values == std::vector<float>{1, 0});
  CHECK(parse_npy(npy(header(">i2", "(1, 2)"), std::string("\0\1\1\0", 4)))->values == std::vector<float>{1, 256});
  const auto images = parse_npy(npy(header("<f4", "(2, 1, 2)", true), bytes_of<float>({1, 3, 2, 4})));
  REQUIRE(images);
  CHECK(images->shape == tr::Shape{1, 2});
  CHECK(images->values == std::vector<float>{1, 2, 3, 4});
  std::string second = npy(header("<f4", "(1,1)"), "");
  second[6] = 2;
  second.insert(10, std::string(2, '\0'));
  CHECK(parse_npy(second + bytes_of<float>({9}))->values == std::vector<float>{9});
}

TEST_CASE("npy: mistakes have a byte") {
  CHECK(problem(parse_npy("NUMPY")) == "byte 0: is not a .npy file");
  CHECK(problem(parse_npy("\x93NUMPY\1")) == "byte 7: ends inside the header");
  CHECK(problem(parse_npy(npy(header("<f4", "(1, 2)"), "").substr(0, 20))) == "byte 20: ends inside the header");
  CHECK(problem(parse_npy(npy(header("<f4", "(2, 3)"), bytes_of<float>({1}))))
            .find("holds 4 bytes of elements, which is not what its shape asks for") != std::string::npos);
  CHECK(problem(parse_npy(npy(header("<f4", "(4611686018427387904, 4)"), ""))).find("shape asks for") !=
        std::string::npos);
  CHECK(problem(parse_npy(npy(header("<f4", "(0, 4)"), ""))).find("holds no elements") != std::string::npos);
  CHECK(problem(parse_npy(npy(header("<f4", "(4,)"), bytes_of<float>({1, 2, 3, 4})))) ==
        "byte 10: holds an array of 1 dimensions, expected rows: two or more");
  CHECK(
      problem(parse_npy(npy(header("<c8", "(1, 1)"), std::string(8, 'x')))) ==
      "byte 10: holds elements of type '<c8', expected integers, booleans or floating point numbers of 32 or 64 bits");
  CHECK(problem(parse_npy(npy("{'descr': '<f4', }", "")))
            .find("in the header: expected 'descr', 'fortran_order' and 'shape' once each") != std::string::npos);
  CHECK(problem(parse_npy(npy("{'descr': [('a', '<f4')], }", ""))) == "byte 20: in the header: expected a quoted word");
  CHECK(problem(parse_npy(npy("{'shape': (-1, 2)}", ""))) ==
        "byte 21: in the header: expected the extent of a dimension");
  CHECK(problem(parse_npy(npy("{'shape': (1,1,1,1,1,1,1,1,1)}", ""))).find("more than 8 dimensions") !=
        std::string::npos);
}

TEST_CASE("npy and CSV: mutated files give rows or a problem") {
  const std::string whole = npy(header("<f4", "(2, 3)"), bytes_of<float>({1, 2, 3, 4, 5, 6})),
                    table = "a,b\n1,2\n3,4.5e1\n";
  std::mt19937 random(7);
  for (int i = 0; i < 20000; ++i) {
    std::string bytes = i % 2 ? whole : table;
    for (int k = 0; k < 3; ++k) bytes[random() % bytes.size()] = static_cast<char>(random() & 127);
    if (i % 3 == 0) bytes.resize(random() % bytes.size());
    const auto rows = i % 2 ? parse_npy(bytes) : parse_csv(bytes);
    if (rows) CHECK(rows->values.size() == rows->count * static_cast<std::size_t>(rows->shape.elements()));
    else CHECK(!rows.error().what().empty());
  }
}

TEST_CASE("read_rows tells files apart, and names them in problems") {
  const std::string path = "rows_test.tmp";
  std::ofstream(path, std::ios::binary) << npy(header("<f4", "(1, 2)"), bytes_of<float>({1, 2}));
  CHECK(read_rows(path)->values == std::vector<float>{1, 2});
  std::ofstream(path) << "1,2\n1,x\n";
  CHECK(problem(read_rows(path)) == "rows_test.tmp:2:3: 'x' is not a number that fits float32");
  std::ofstream(path) << "\n";
  CHECK(problem(read_rows(path)) == "rows_test.tmp: holds no rows");
  std::remove(path.c_str());
  CHECK(problem(read_rows(path)) == "rows_test.tmp: cannot be opened: No such file or directory");
  CHECK(problem(read_rows("/")) == "/: is a folder, expected a file");
  CHECK_FALSE(write_file("/nowhere/at/all", "x"));
}
