#include "storage/lookup/asked_name.hpp"

#include <algorithm>
#include <array>

#include "storage/archives/member_name.hpp"

namespace storage {
namespace {

constexpr std::array<std::string_view, 6> schemes = {"tftp", "sftp", "scp", "ftp", "http", "https"};

// "tftp://host/EWC/ap1g8": what follows the host.
std::optional<std::string_view> path_of_url(std::string_view name) {
  const auto mark = name.find("://");
  if (mark == std::string_view::npos) return {};
  if (std::ranges::find(schemes, folded(name.substr(0, mark))) == schemes.end()) return {};
  name.remove_prefix(mark + 3);
  return name.substr(std::min(name.find('/'), name.size()));
}

// "ewc@host:EWC/ap1g8", as scp has it. Without the user it could be a drive or a stream.
std::optional<std::string_view> path_of_scp(std::string_view name) {
  const auto server = name.substr(0, name.find(':'));
  if (server.size() == name.size() || server.find('@') == std::string_view::npos ||
      server.find('/') != std::string_view::npos)
    return {};
  return name.substr(server.size() + 1);
}

bool has_drive(std::string_view name) {
  const auto letter = name.empty() ? '\0' : static_cast<char>(name.front() | 0x20);
  return letter >= 'a' && letter <= 'z' && name.substr(1).starts_with(':');
}

}  // namespace

bool is_exact_name(std::string_view asked, const Path& path) {
  const auto text = path.text();
  return asked == text || asked == std::string_view(text).substr(1);
}

std::expected<AskedName, PathError> read_name(std::string_view asked, AboveRoot above) {
  std::string slashed(asked);
  std::ranges::replace(slashed, '\\', '/');
  std::string_view name = slashed;
  auto served_path = path_of_url(name);
  if (!served_path) served_path = path_of_scp(name);
  const bool drive = !served_path && has_drive(name);
  if (served_path) name = *served_path;
  if (drive) name.remove_prefix(2);
  auto path = Path::parse(name, above);
  if (!path) return std::unexpected(path.error());
  const auto rule = drive ? Rule::prefix : is_exact_name(asked, *path) ? Rule::exact : Rule::slashes;
  return AskedName{std::move(*path), rule};
}

}  // namespace storage
