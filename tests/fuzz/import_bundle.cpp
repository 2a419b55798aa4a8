// Any bytes as a bundle or an image, through the real importer into a depot in memory: refused with a reason
// and nothing left of them, or published whole below images/, in plain files whose names lead nowhere else,
// within the limits.
#include <array>
#include <cstdint>
#include <fstream>
#include <string>
#include <string_view>

#include "storage/archives/archive.hpp"
#include "storage/depot/depot.hpp"
#include "storage/files/file.hpp"
#include "storage/files/path.hpp"
#include "storage/import/import.hpp"
#include "tests/fuzz/memory_home.hpp"
#include "tests/fuzz/require.hpp"

namespace fs = std::filesystem;
using fuzz::require;

namespace {

// By its content the importer tells what a file is, but for some images' versions.
constexpr std::array names{"C9800-AP-universalk9.17.09.04a.zip",
                           "bundle.tar",
                           "bundle.tar.gz",
                           "bundle.tar.xz",
                           "ArubaOS_72xx_8.6.0.4_74969",
                           "AIR-AP1815-K9-ME-8-10-185-0.tar",
                           "ap1g8",
                           "thing.gz"};
const storage::ImportSettings settings{{.max_members = 20, .max_total = 4 << 20, .max_ratio = 50}};

bool is_text(std::string_view text) {
  for (const char c : text)
    if (c != '\t' && c != '\n' && static_cast<unsigned char>(c) < 0x20) return false;
  return !text.empty();
}

// libFuzzer sees no other process.
struct ReaderHere final : storage::ArchiveReader {
  storage::BundleFormat format_of(const storage::File& opened,
                                  const storage::UnpackLimits& limits) const override {
    return storage::format_of(opened, limits);
  }
  void unpack(const storage::File& archive, storage::BundleFormat format, const storage::UnpackLimits& limits,
              storage::MemberSink& sink) const override {
    storage::unpack(archive, format, limits, sink);
  }
};

struct Depot {
  fuzz::MemoryHome home;
  storage::Depot depot{home.path() / "depot"};
  std::size_t entries = fuzz::entries_below(home.path());
};

// True when it is published.
bool import(const storage::Depot& depot, const fs::path& file, std::size_t most_bytes) {
  try {
    static const ReaderHere reader;
    const auto imported = storage::import_bundle(depot, file, settings, {.reader = &reader});
    const auto path = storage::Path::parse(imported.path, storage::AboveRoot::refused);
    require(path && !path->is_root() && path->text() == imported.path, "its path is a release's");
    require(imported.bytes <= most_bytes && imported.members <= settings.max_members, "within its bounds");
    return true;
  } catch (const storage::Rejected& refused) {
    require(is_text(refused.what()), "a refusal has a reason that can be shown");
    return false;
  }
}

void check_images(const storage::Depot& depot, std::size_t most_bytes) {
  std::uintmax_t bytes = 0;
  for (const auto& entry : fs::recursive_directory_iterator(depot.images())) {
    const auto type = entry.symlink_status().type();
    require(type == fs::file_type::regular || type == fs::file_type::directory,
            "only files and folders appear");
    require(storage::Path::is_component(entry.path().filename().string()), "each has a name to ask for");
    if (type == fs::file_type::regular) bytes += entry.file_size();
  }
  require(bytes <= most_bytes, "not more than the limit is written");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  static const Depot in;
  const auto& depot = in.depot;
  const auto file = in.home.path() / names[data[0] % names.size()];
  std::ofstream(file, std::ios::binary)
      .write(reinterpret_cast<const char*>(data + 1), static_cast<std::streamsize>(size - 1));
  const auto most_bytes = settings.max_total + size;
  const bool published = import(depot, file, most_bytes);
  require(fs::file_size(file) == size - 1, "the bundle is only read");
  require(fuzz::entries_below(depot.staging()) == 0, "nothing stays in the staging area");
  check_images(depot, most_bytes);
  if (published) {
    fuzz::empty(depot.images());
    fuzz::empty(depot.manifests());
  }
  fs::remove(file);
  require(fuzz::entries_below(in.home.path()) == in.entries, "nothing appears elsewhere");
  return 0;
}
