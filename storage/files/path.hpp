#pragma once
#include <expected>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace storage {

// Why a text is not a valid path.
enum class PathError { empty, climbs, invalid, too_long };

// What ".." above "/" means. Over SFTP it stays at "/", as in a chroot; a TFTP name that climbs is refused.
enum class AboveRoot { stays, refused };

// A place below the virtual root, as a list of components. A component is never empty, "." or "..", and holds
// no separator of any system, no NUL and no colon (a Windows drive or stream), so a Path cannot name anything
// outside.
// ".." is resolved lexically, before any link is followed.
class Path {
 public:
  Path() = default;  // the root itself
  static std::expected<Path, PathError> parse(std::string_view text, AboveRoot above = AboveRoot::stays);

  bool is_root() const { return components_.empty(); }
  std::span<const std::string> components() const { return components_; }
  std::string_view name() const;                     // the last component; empty for the root
  Path parent() const;                               // the root's parent is the root
  Path operator/(std::string_view component) const;  // `component` must be one valid component
  Path operator/(const Path& below) const;
  Path below(std::size_t count) const;  // without its first `count` components, of which it has as many
  std::string text() const;             // "/EWC/17_9_4a/ap1g8"

  static bool is_component(std::string_view text);
  friend bool operator==(const Path&, const Path&) = default;

 private:
  std::vector<std::string> components_;
};

}  // namespace storage
