#pragma once
#include <algorithm>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "storage/depot/depot.hpp"
#include "storage/files/path_text.hpp"
#include "storage/import/import.hpp"
#include "storage/releases/manifest.hpp"
#include "tests/support/temp_dir.hpp"
#include "tests/support/unpacking.hpp"
#include "tests/support/zip_writer.hpp"

namespace test {

using Members = std::vector<ZipMember>;

// 12 bytes, which is no image at all: most tests are about something else.
inline Members ewc_members() {
  return {{"ap1g7", "\x01image seven"},
          {"ap1g8", "\x01image eight"},
          {"C9800-AP-iosxe-wlc.bin",
           "\x7f"
           "controller"},
          {"controller_version.info", "17.09.04a.0.6"},
          {"version.info", "17.9.4.27\n"}};
}

inline constexpr auto ewc_name = "C9800-AP-universalk9.17.09.04a.zip";

struct Import {
  TempDir dir;
  storage::Depot depot{dir / "depot"};
  storage::ImportSettings settings;
  storage::ImportOrder order;

  storage::Imported run(const Members& members, std::string_view name = ewc_name) {
    return run_bytes(zip(members), name);
  }
  storage::Imported run_bytes(const std::string& archive, std::string_view name = ewc_name) {
    return storage::import_bundle(depot, dir.write(name, archive), settings, order);
  }
  std::string rejection_of_bytes(const std::string& bytes, std::string_view name) {
    try {
      run_bytes(bytes, name);
      return "";
    } catch (const storage::Rejected& rejected) {
      return rejected.what();
    }
  }
  std::optional<storage::Manifest> manifest_of(const std::string& release) const {
    return storage::load_manifest(depot.manifests() / (release + ".yaml"));
  }
  std::string rejection(const Members& members) {
    try {
      run(members);
      return "";
    } catch (const storage::Rejected& rejected) {
      return rejected.what();
    }
  }
  // Every file and folder below images/, with the files' content.
  std::map<std::string, std::string> images() const {
    std::map<std::string, std::string> found;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(depot.images()))
      found[storage::utf8_of(entry.path().lexically_relative(depot.images()))] =
          entry.is_regular_file() ? content_of(entry.path()) : "";
    return found;
  }
  bool staging_is_empty() const { return std::filesystem::is_empty(depot.staging()); }
  std::filesystem::path manifest() const { return depot.manifests() / "EWC/17_9_4a.yaml"; }
};

inline bool has(const std::vector<std::string>& texts, std::string_view part) {
  return std::ranges::any_of(texts, [part](const auto& text) { return has(text, part); });
}

}  // namespace test
