#include "storage/files/file_changed.hpp"

#include <doctest/doctest.h>

using namespace storage;

namespace {

Attributes opened() {
  Attributes a;
  a.size = 100;
  a.mode = 0100644;
  a.links = 1;
  a.modified = 1000;
  a.version = {1, 2, 100, 5000};
  return a;
}

}  // namespace

TEST_CASE("a file that was written to since it was opened has changed") {
  const auto before = opened();
  CHECK_FALSE(content_changed(before, before));
  auto written = before;
  written.version.changed = 6000;
  written.modified = 1001;
  CHECK(content_changed(before, written));
  auto grown = before;
  grown.size = grown.version.size = 200;
  CHECK(content_changed(before, grown));
  auto put_back = before;  // as cp -p and touch -r do, behind a write
  put_back.version.changed = 6000;
  CHECK(content_changed(before, put_back));
}

TEST_CASE("a file that was deleted, replaced or given other rights has the same bytes") {
  const auto before = opened();
  for (const auto change : {+[](Attributes& a) { a.links = 0; }, +[](Attributes& a) { a.mode = 0100600; },
                            +[](Attributes& a) { a.uid = 7; }, +[](Attributes& a) { a.gid = 7; }}) {
    auto after = before;
    after.version.changed = 6000;
    change(after);
    CHECK_FALSE(content_changed(before, after));
    after.modified = 1001;
    CHECK(content_changed(before, after));
  }
}

TEST_CASE("that a file changed is an error of its own, which protocols take for one of the disk") {
  CHECK(is_file_changed(file_changed_error()));
  CHECK_FALSE(is_file_changed(std::make_error_code(std::errc::io_error)));
  CHECK((file_changed_error() == std::errc::io_error));
  CHECK(file_changed_error().message() == "the file changed while it was sent");
}
