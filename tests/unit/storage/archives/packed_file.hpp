#pragma once
#include <chrono>
#include <string>
#include <string_view>

#include "storage/archives/reader_apart.hpp"
#include "storage/archives/rejected.hpp"
#include "storage/files/plain_file.hpp"
#include "tests/support/temp_dir.hpp"
#include "tests/unit/storage/archives/bad_readers.hpp"

namespace test {

// A file that is packed by gzip, as far as its first bytes tell.
struct PackedFile {
  TempDir dir;
  storage::File file = storage::open_plain_file(dir.write("packed", "\x1f\x8b"));
  storage::UnpackLimits limits;

  storage::BundleFormat format_by(std::string_view reader,
                                  std::chrono::milliseconds patience = std::chrono::minutes(1)) const {
    return storage::ReaderApart(bad_reader(reader), patience).format_of(file, limits);
  }
  std::string reason_by(std::string_view reader,
                        std::chrono::milliseconds patience = std::chrono::minutes(1)) const {
    try {
      format_by(reader, patience);
    } catch (const storage::Rejected& e) {
      return e.what();
    }
    return "";
  }
};

}  // namespace test
