#pragma once
#include <filesystem>

namespace storage {

// The directory that apdepot owns, and the names of what lies in it.
class Depot {
 public:
  // Makes what is missing: images/, drop/ and rejected/ for everybody to read, state/ for the owner alone
  // (0700). state/manifests is for the group too where an administrator gave it state/ to read. Throws
  // std::runtime_error with a sentence for the administrator.
  explicit Depot(const std::filesystem::path& directory);
  // The one that is there, for whoever only reads: nothing is made, and images/ is all that must be there.
  // Throws likewise.
  static Depot existing(const std::filesystem::path& directory);

  // Throws std::runtime_error where this user may not read all that import recorded: state/ is its owner's,
  // and with the package its group's.
  void expect_readable_records() const;

  const std::filesystem::path& directory() const { return directory_; }
  std::filesystem::path images() const { return directory_ / "images"; }
  std::filesystem::path drop() const { return directory_ / "drop"; }
  std::filesystem::path rejected() const { return directory_ / "rejected"; }
  std::filesystem::path retired() const { return directory_ / "retired"; }  // made when it is needed
  std::filesystem::path bundles() const { return directory_ / "bundles"; }  // likewise
  static std::filesystem::path state_of(const std::filesystem::path& depot) { return depot / "state"; }
  std::filesystem::path state() const { return state_of(directory_); }
  std::filesystem::path staging() const { return state() / "staging"; }        // what is not published yet
  std::filesystem::path taken() const { return state() / "taken"; }            // out of drop/, for a moment
  std::filesystem::path manifests() const { return state() / "manifests"; }    // what was: one file a release
  std::filesystem::path changeover() const { return state() / "changeover"; }  // a release's, for a moment
  std::filesystem::path history() const { return state() / "history.db"; }     // who fetched what

 private:
  struct AsItIs {};
  Depot(const std::filesystem::path& directory, AsItIs);

  std::filesystem::path directory_;  // absolute
};

}  // namespace storage
