#include "storage/manifest.hpp"

#include <fmt/format.h>
#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <fstream>
#include <set>
#include <stdexcept>

#include "storage/durable.hpp"
#include "storage/path.hpp"

namespace storage {
namespace {

// 10,000 members need some 4 MB. What is larger was not written by us, and is not worth the memory.
constexpr std::uintmax_t largest_manifest = 64 << 20;

struct Damaged : std::runtime_error {
  using std::runtime_error::runtime_error;
};

void require(bool fine, const std::string& what) {
  if (!fine) throw Damaged(what);
}

std::string text_at(const YAML::Node& map, const char* key) {
  const YAML::Node value = map[key];
  require(value && value.IsScalar(), fmt::format("no text under \"{}\"", key));
  return value.as<std::string>();
}

bool is_digest(std::string_view text) {
  return text.size() == 64 && text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

Member read_member(const YAML::Node& node) {
  require(node.IsMap(), "a member that is no map");
  Member member{text_at(node, "name"), node["size"].as<std::uint64_t>(), text_at(node, "sha256")};
  require(Path::is_component(member.name), "a member's name that is no file name");
  require(is_digest(member.sha256), "a sha256 that is no digest");
  return member;
}

std::vector<Member> read_members(const YAML::Node& list) {
  require(list && list.IsSequence(), "no list under \"members\"");
  std::vector<Member> members;
  for (const auto& node : list) members.push_back(read_member(node));
  std::ranges::sort(members, {}, &Member::name);
  const auto twice = std::ranges::adjacent_find(members, {}, &Member::name);
  require(twice == members.end(), "a member named twice");
  return members;
}

Manifest read_manifest(const YAML::Node& node) {
  require(node.IsMap(), "no map");
  Manifest manifest;
  manifest.path = text_at(node, "path");
  manifest.bundle = text_at(node, "bundle");
  manifest.imported_at = text_at(node, "imported_at");
  manifest.controller_version = text_at(node, "controller_version");
  manifest.ap_version = text_at(node, "ap_version");
  manifest.members = read_members(node["members"]);
  manifest.verified = node["verified"].as<bool>(true);
  const auto path = Path::parse(manifest.path, AboveRoot::refused);
  require(path && !path->is_root() && path->text() == manifest.path, "a path that is no release's");
  return manifest;
}

void emit(YAML::Emitter& out, const Member& member) {
  out << YAML::Flow << YAML::BeginMap << YAML::Key << "name" << YAML::Value << member.name;
  out << YAML::Key << "size" << YAML::Value << member.size << YAML::Key << "sha256" << YAML::Value
      << member.sha256;
  out << YAML::EndMap;
}

std::string to_yaml(const Manifest& manifest) {
  YAML::Emitter out;
  out << YAML::BeginMap;
  const auto put = [&out](const char* key, const std::string& value) {
    out << YAML::Key << key << YAML::Value << YAML::DoubleQuoted << value;
  };
  put("path", manifest.path);
  put("bundle", manifest.bundle);
  put("imported_at", manifest.imported_at);
  put("controller_version", manifest.controller_version);
  put("ap_version", manifest.ap_version);
  out << YAML::Key << "verified" << YAML::Value << manifest.verified;
  out << YAML::Key << "members" << YAML::Value << YAML::BeginSeq;
  for (const auto& member : manifest.members) emit(out, member);
  out << YAML::EndSeq << YAML::EndMap << YAML::Newline;
  return out.c_str();
}

}  // namespace

void save(const Manifest& manifest, const std::filesystem::path& file) {
  write_durably(file, to_yaml(manifest), 0600);
}

std::optional<Manifest> load_manifest(const std::filesystem::path& file) {
  if (std::filesystem::symlink_status(file).type() == std::filesystem::file_type::not_found)
    return std::nullopt;
  // Whatever is wrong with it, it is one case: this manifest cannot be used. yaml-cpp has several types for
  // that.
  try {
    require(std::filesystem::is_regular_file(file), "it is no file");
    require(std::filesystem::file_size(file) <= largest_manifest, "it is too large");
    std::ifstream in(file, std::ios::binary);
    require(in.is_open(), "it cannot be opened");
    return read_manifest(YAML::Load(in));
  } catch (const std::exception& error) {
    throw std::runtime_error(
        fmt::format("the manifest {} cannot be understood: {}", file.string(), error.what()));
  }
}

}  // namespace storage
