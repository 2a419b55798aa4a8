#include "storage/import.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <ctime>
#include <fstream>
#include <optional>

#include "storage/archive.hpp"
#include "storage/manifest.hpp"
#include "storage/path.hpp"
#include "storage/publish.hpp"
#include "storage/release.hpp"
#include "storage/staging.hpp"

namespace storage {
namespace fs = std::filesystem;
namespace {

constexpr std::size_t longest_info =
    256;  // more than an .info file may have, so that release.cpp sees the excess

// The one place in this room that asks for the time: it is written down and decides nothing.
std::string utc_now() { return fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", fmt::gmtime(std::time(nullptr))); }

std::optional<std::string> read_info(const fs::path& content, const std::vector<Member>& members,
                                     const std::string& name) {
  if (std::ranges::find(members, name, &Member::name) == members.end()) return std::nullopt;
  std::array<char, longest_info> text{};
  std::ifstream in(content / name, std::ios::binary);
  in.read(text.data(), text.size());
  return std::string(text.data(), static_cast<std::size_t>(in.gcount()));
}

ReleaseEvidence gather_evidence(const fs::path& bundle, const fs::path& content,
                                const std::vector<Member>& members) {
  ReleaseEvidence evidence{.bundle_name = bundle.filename().string(),
                           .controller_version = read_info(content, members, "controller_version.info"),
                           .ap_version = read_info(content, members, "version.info"),
                           .members = {}};
  for (const auto& member : members) evidence.members.push_back(member.name);
  return evidence;
}

std::string replaced(std::string text, std::string_view key, std::string_view value) {
  const auto at = text.find(key);
  return at == std::string::npos ? text : text.replace(at, key.size(), value);
}

// "{product}/{release}" becomes "/EWC/17_9_4a".
std::string expand_layout(const std::string& layout, const ReleaseName& name) {
  const std::string path =
      "/" + replaced(replaced(layout, "{product}", name.product), "{release}", name.release);
  const auto parsed = Path::parse(path, AboveRoot::refused);
  if (!parsed || parsed->is_root() || parsed->text() != path)
    throw std::system_error(std::make_error_code(std::errc::invalid_argument),
                            fmt::format("import.layout \"{}\" gives no path for a release", layout));
  return path;
}

Manifest describe(const ReleaseEvidence& evidence, std::string path, std::vector<Member> members) {
  const auto line = [](const std::optional<std::string>& info) {
    return info ? info_line(*info).value_or(std::string{}) : std::string{};
  };
  return {.path = std::move(path),
          .bundle = evidence.bundle_name,
          .imported_at = utc_now(),
          .controller_version = line(evidence.controller_version),
          .ap_version = line(evidence.ap_version),
          .members = std::move(members)};
}

}  // namespace

Imported import_bundle(const Depot& depot, const fs::path& bundle, const ImportSettings& settings) {
  const StagingArea staging(depot);
  auto members = unpack(bundle, staging.content(), settings);
  const auto evidence = gather_evidence(bundle, staging.content(), members);
  ReleaseName name = name_release(evidence);
  const Manifest manifest = describe(evidence, expand_layout(settings.layout, name), std::move(members));

  Imported imported{.path = manifest.path, .warnings = std::move(name.warnings)};
  imported.members = manifest.members.size();
  for (const auto& member : manifest.members) imported.bytes += member.size;
  imported.already_there = !publish(depot, staging.content(), manifest, imported.warnings);
  return imported;
}

}  // namespace storage
