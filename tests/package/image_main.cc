// A stranger's program that decodes pictures: here one that is none, which it must be told.
#include <tailrace/image/decode.h>

#include <string>

int main() {
  const auto picture = tailrace::image::decode({"notes.txt", "no picture"});
  return !picture && std::string(picture.error().what()).find("notes.txt: not a JPEG or PNG") == 0 ? 0 : 1;
}
