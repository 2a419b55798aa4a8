#include "storage/releases/manifest.hpp"

#include <fmt/format.h>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <sstream>
#include <stdexcept>
#include <system_error>

#include "storage/files/durable.hpp"
#include "storage/files/file_text.hpp"
#include "storage/files/path.hpp"
#include "storage/files/path_text.hpp"
#include "storage/files/plain_file.hpp"

namespace storage {
namespace {

// 10,000 members need some 4 MB. What is larger was not written by us, and is not worth the memory.
constexpr std::size_t largest_manifest = 64 << 20;

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

bool is_digest(std::string_view text, std::size_t size) {
  return text.size() == size && text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

Member read_member(const YAML::Node& node) {
  require(node.IsMap(), "a member that is no map");
  Member member{text_at(node, "name"), node["size"].as<std::uint64_t>(), text_at(node, "sha256")};
  require(Path::is_component(member.name), "a member's name that is no file name");
  require(is_digest(member.sha256, 64), "a sha256 that is no digest");
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

Origin read_origin(const YAML::Node& node) {
  require(node.IsMap(), "an origin that is no map");
  Origin origin{text_at(node, "name"), text_at(node, "sha512"), text_at(node, "md5"),
                node["verified"].as<bool>()};
  require(is_digest(origin.sha512, 128), "a sha512 that is no digest");
  require(is_digest(origin.md5, 32), "an md5 that is no digest");
  return origin;
}

std::vector<Origin> read_origins(const YAML::Node& list) {
  if (!list) return {};
  require(list.IsSequence(), "no list under \"origins\"");
  std::vector<Origin> origins;
  for (const auto& node : list) origins.push_back(read_origin(node));
  return origins;
}

// Whatever yaml-cpp would make of the rest: it takes the byte 0x04 for the end of the file.
void refuse_control_bytes(std::string_view text) {
  const auto is_control = [](unsigned char c) { return c < 0x20 && c != '\t' && c != '\n' && c != '\r'; };
  require(std::ranges::none_of(text, is_control), "a control character");
}

// Only counts: what follows the first document, YAML::Load drops without a word, and YAML::LoadAll never
// comes back from a text that begins with a comma.
struct Ignored : YAML::EventHandler {
  void OnDocumentStart(const YAML::Mark&) override {}
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark&, YAML::anchor_t) override {}
  void OnAlias(const YAML::Mark&, YAML::anchor_t) override { throw Damaged("an alias"); }
  void OnScalar(const YAML::Mark&, const std::string&, YAML::anchor_t, const std::string&) override {}
  void OnSequenceStart(const YAML::Mark&, const std::string&, YAML::anchor_t,
                       YAML::EmitterStyle::value) override {}
  void OnSequenceEnd() override {}
  void OnMapStart(const YAML::Mark&, const std::string&, YAML::anchor_t, YAML::EmitterStyle::value) override {
  }
  void OnMapEnd() override {}
};

void refuse_second_document(const std::string& text) {
  std::istringstream stream(text);
  YAML::Parser parser(stream);
  Ignored ignored;
  require(!parser.HandleNextDocument(ignored) || !parser.HandleNextDocument(ignored), "a second document");
}

Manifest read_manifest(const YAML::Node& node) {
  require(node.IsMap(), "no map");
  Manifest manifest;
  manifest.path = text_at(node, "path");
  manifest.bundle = text_at(node, "bundle");
  manifest.imported_at = text_at(node, "imported_at");
  manifest.controller_version = text_at(node, "controller_version");
  manifest.ap_version = text_at(node, "ap_version");
  if (const auto verified = node["verified"]) manifest.verified = verified.as<bool>();
  manifest.members = read_members(node["members"]);
  manifest.origins = read_origins(node["origins"]);
  const auto path = Path::parse(manifest.path, AboveRoot::refused);
  require(path && !path->is_root() && path->text() == manifest.path, "a path that is not a release's");
  return manifest;
}

void emit(YAML::Emitter& out, const Member& member) {
  out << YAML::Flow << YAML::BeginMap << YAML::Key << "name" << YAML::Value << YAML::DoubleQuoted
      << member.name;
  out << YAML::Key << "size" << YAML::Value << member.size << YAML::Key << "sha256" << YAML::Value
      << member.sha256;
  out << YAML::EndMap;
}

void emit(YAML::Emitter& out, const Origin& origin) {
  out << YAML::Flow << YAML::BeginMap << YAML::Key << "name" << YAML::Value << YAML::DoubleQuoted
      << origin.name << YAML::Key << "sha512" << YAML::Value << YAML::DoubleQuoted << origin.sha512
      << YAML::Key << "md5" << YAML::Value << YAML::DoubleQuoted << origin.md5 << YAML::Key << "verified"
      << YAML::Value << origin.verified << YAML::EndMap;
}

}  // namespace

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
  out << YAML::Key << "origins" << YAML::Value << YAML::BeginSeq;
  for (const auto& origin : manifest.origins) emit(out, origin);
  out << YAML::EndSeq;
  out << YAML::Key << "members" << YAML::Value << YAML::BeginSeq;
  for (const auto& member : manifest.members) emit(out, member);
  out << YAML::EndSeq << YAML::EndMap << YAML::Newline;
  return out.c_str();
}

Manifest parse_manifest(const std::string& text) {
  refuse_control_bytes(text);
  refuse_second_document(text);
  return read_manifest(YAML::Load(text));
}

void save(const Manifest& manifest, const std::filesystem::path& file) {
  write_durably(file, to_yaml(manifest), mode_as_above(file) & 0666U);
}

bool is_too_large(const std::filesystem::path& file) {
  return std::filesystem::is_regular_file(file) && std::filesystem::file_size(file) > largest_manifest;
}

std::optional<Manifest> load_manifest(const std::filesystem::path& file) {
  std::error_code error;
  if (std::filesystem::symlink_status(file, error).type() == std::filesystem::file_type::not_found)
    return std::nullopt;
  // Whatever is wrong with it, it is one case: this manifest cannot be used. yaml-cpp has several types for
  // that. But what this user may not read is not damaged.
  try {
    require(std::filesystem::is_regular_file(file), "it is no file");
    const File opened = open_plain_file(file);
    require(opened.at_open().size <= largest_manifest, "it is too large");
    return parse_manifest(text_of(opened, largest_manifest));
  } catch (const std::exception& e) {
    const auto* of_system = dynamic_cast<const std::system_error*>(&e);
    if (of_system != nullptr && of_system->code() == std::errc::permission_denied)
      throw Unreadable(fmt::format(
          "the manifest {} cannot be read: Permission denied; run this as the depot's owner, or as root",
          utf8_of(file)));
    throw std::runtime_error(
        fmt::format("the manifest {} cannot be understood: {}", utf8_of(file), e.what()));
  }
}

}  // namespace storage
