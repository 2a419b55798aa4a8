#include "storage/files/reparse_point.hpp"

#include <doctest/doctest.h>

#include <random>
#include <vector>

using storage::below_folder;
using storage::reparse_target;
using From = storage::ReparseTarget::From;

namespace {

constexpr std::uint32_t junction = 0xA0000003, symlink = 0xA000000C, relative = 1;

using Bytes = std::vector<std::byte>;

void put(Bytes& bytes, std::uint32_t value, int size) {
  for (int i = 0; i < size; ++i) bytes.push_back(static_cast<std::byte>(value >> (8 * i) & 0xff));
}

Bytes utf16(std::u16string_view text) {
  Bytes bytes;
  for (const char16_t unit : text) put(bytes, unit, 2);
  return bytes;
}

// As Windows lays it out: the name that counts first, then the one that is shown.
Bytes buffer(std::uint32_t tag, std::u16string_view target, std::uint32_t flags = 0,
             std::u16string_view shown = u"shown") {
  const auto name = utf16(target), other = utf16(shown);
  Bytes data;
  put(data, 0, 2);
  put(data, static_cast<std::uint32_t>(name.size()), 2);
  put(data, static_cast<std::uint32_t>(name.size()), 2);
  put(data, static_cast<std::uint32_t>(other.size()), 2);
  if (tag == symlink) put(data, flags, 4);
  data.insert(data.end(), name.begin(), name.end());
  data.insert(data.end(), other.begin(), other.end());
  Bytes whole;
  put(whole, tag, 4);
  put(whole, static_cast<std::uint32_t>(data.size()), 2);
  put(whole, 0, 2);
  whole.insert(whole.end(), data.begin(), data.end());
  return whole;
}

struct Case {
  std::uint32_t tag, flags;
  const char16_t* target;
  From from;
  const char* path;
};

}  // namespace

TEST_CASE("a link of Windows tells where it leads, and from where") {
  for (const auto& [tag, flags, target, from, path] :
       {Case{symlink, relative, u"17_9_4a", From::folder, "17_9_4a"},
        Case{symlink, relative, u"..\\..\\secret", From::folder, "../../secret"},
        Case{symlink, relative, u"a/b", From::folder, "a/b"},
        Case{symlink, relative, u"Müller\\日本\\𝄞", From::folder, "Müller/日本/𝄞"},
        Case{symlink, relative, u"\\EWC\\17_9_4a", From::root, "EWC/17_9_4a"},
        Case{symlink, relative, u"\\\\server\\share", From::system, "//server/share"},
        Case{symlink, relative, u"\\??\\C:\\x", From::system, "C:/x"},
        Case{symlink, 0, u"\\??\\C:\\depot\\images", From::system, "C:/depot/images"},
        Case{symlink, 0, u"\\??\\UNC\\server\\share\\x", From::system, "//server/share/x"},
        Case{junction, 0, u"\\??\\C:\\depot\\images\\", From::system, "C:/depot/images/"},
        Case{junction, 0, u"\\\\?\\c:\\depot", From::system, "c:/depot"},
        Case{junction, 0, u"\\??\\Volume{1}\\", From::system, "Volume{1}/"},
        Case{junction, 0, u"\\Device\\x", From::system, "/Device/x"},
        Case{junction, 0, u"relative", From::system, "relative"}}) {
    CAPTURE(path);
    const auto found = reparse_target(buffer(tag, target, flags));
    REQUIRE(found);
    CHECK(found->from == from);
    CHECK(found->path == path);
  }
}

TEST_CASE("what is not a link, or not well-formed, leads nowhere") {
  CHECK_FALSE(reparse_target({}));
  CHECK_FALSE(reparse_target(buffer(0x80000013, u"\\??\\C:\\x")));
  CHECK_FALSE(reparse_target(buffer(symlink, u"", relative)));
  CHECK_FALSE(reparse_target(buffer(symlink, std::u16string_view(u"a\0b", 3), relative)));
  CHECK_FALSE(reparse_target(buffer(symlink, std::u16string(1, char16_t(0xd800)), relative)));
  CHECK_FALSE(reparse_target(buffer(symlink, std::u16string(1, char16_t(0xdc00)), relative)));
  CHECK_FALSE(reparse_target(buffer(symlink, std::u16string{char16_t(0xd800), u'a'}, relative)));

  const auto good = buffer(symlink, u"target", relative);
  for (std::size_t size = 0; size < good.size(); ++size)
    CHECK_FALSE(reparse_target(std::span(good).first(size)));
  for (const std::size_t field : {8U, 10U}) {  // offset and size of the name
    for (const std::byte value : {std::byte{0x21}, std::byte{0x7f}, std::byte{0xff}}) {
      auto bad = good;
      bad[field + 1] = value;
      CHECK_FALSE(reparse_target(bad));
    }
  }
}

TEST_CASE("no bytes of a link make its reader read beyond them") {
  std::mt19937 random(1);
  const auto junk = buffer(junction, u"\\??\\C:\\depot\\images"), link = buffer(symlink, u"..\\x", relative);
  for (int round = 0; round < 20'000; ++round) {
    auto bytes = round % 2 == 0 ? junk : link;
    for (int i = 0; i < 4; ++i) bytes[random() % bytes.size()] = static_cast<std::byte>(random());
    bytes.resize(random() % (bytes.size() + 1));
    bytes.shrink_to_fit();
    const auto found = reparse_target(bytes);
    if (found) CHECK_FALSE(found->path.empty());
  }
}

TEST_CASE("a path lies below a folder whatever the case of its letters") {
  CHECK(below_folder("C:/depot/images", "c:/Depot/Images/EWC/17_9_4a") == "EWC/17_9_4a");
  CHECK(below_folder("C:/depot/images", "C:/depot/images") == "");
  CHECK(below_folder("C:/", "c:/x") == "x");
  CHECK(below_folder("//server/share", "//SERVER/share/x") == "x");
  CHECK_FALSE(below_folder("C:/depot/images", "C:/depot/images2/x"));
  CHECK_FALSE(below_folder("C:/depot/images", "C:/depot"));
  CHECK_FALSE(below_folder("C:/depot/images", "D:/depot/images/x"));
}
