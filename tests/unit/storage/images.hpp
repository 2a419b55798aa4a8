#pragma once
#include <memory>

#include "storage/files/pointer.hpp"
#include "storage/files/root.hpp"
#include "storage/lookup/catalogue.hpp"
#include "storage/lookup/lookup.hpp"
#include "tests/support/host.hpp"
#include "tests/support/temp_dir.hpp"
#include "tests/support/zip_writer.hpp"

namespace test {

// A depot's images as an administrator has them after some years, and a secret beside them. Every file holds
// its own path.
struct Images {
  TempDir dir;
  std::filesystem::path path = dir.write("images/boot.cfg", "/boot.cfg").parent_path();
  storage::Root root{path};
  storage::Root rejected{dir.write("rejected/README", "").parent_path()};
  storage::LookupSettings forgiving = {true, {}}, exact_only = {false, {}};

  Images() {
    for (const auto name : {"ap1g4", "ap1g5", "ap1g6", "ap1g6a", "ap1g7", "ap1g8", "ap3g3", "readme.txt",
                            "C9800-AP-iosxe-wlc.bin"})
      add(std::string("EWC/17_9_4a/") + name);
    for (const auto name :
         {"EWC/17_12_1/ap1g6", "EWC/17_12_1/ap1g6b", "EWC/17_12_1/ap1g8", "EWC/16_12_8/ap1g6",
          "EWC/16.12.08/ap1g6", "EWC/17_3_3/ap1g5", "ME/8_10_185_0/ap3g3", "ME/8_10_185_0/ap1g4",
          "Aruba/8_6_0_4/ArubaOS_72xx_8.6.0.4_74969", "lab/EWC_17_6_5/ap1g7", "lab/EWC_17_6_5/ap1g8",
          "other/Tools/notes.txt", "other/Tools/50%off.txt", "other/Tools/a b.txt", "other/Tools/tool1",
          "other/Case/Mixed.bin", "other/Case/mixed.bin", "other/Case/sub/x.bin", "other/case/sub/x.bin"})
      add(name);
    write("EWC/17_9_4a/controller_version.info", "17.09.04a.0.6");
    write("EWC/17_9_4a/version.info", "17.9.4.27\n");
    write("EWC/17_12_1/controller_version.info", "17.12.01.0.11");
    write("EWC/17_12_1/version.info", "17.12.1.5\n");
    write("other/packed/C9800-AP-universalk9.17.15.01.zip",
          zip({{"bundle/ap1g8", "x"}, {"bundle/ap9g9", "x"}}));
    write("other/packed/broken.zip", "PK, and no more");
    write("EWC/current", storage::pointer_to("17_9_4a"));
    dir.write("secret/ap1g8", "secret");
    dir.write("secret/passwd", "secret");
    make_link(dir / "secret", path / "other/out");
    make_link("../../secret", path / "other/up");
    make_link(dir / "secret/passwd", path / "other/passwd");
    make_fifo(path / "fifo");
    dir.write("rejected/C9800-AP-universalk9.17.14.01.zip", "PK, and no more");
    dir.write("rejected/more.zip", zip({{"ap7g7", "x"}}));
    catalogue_ = std::make_unique<storage::Catalogue>(root, &rejected);
  }
  const storage::Catalogue& catalogue() const { return *catalogue_; }

 private:
  std::unique_ptr<storage::Catalogue> catalogue_;

  void write(const std::string& name, std::string_view content) const {
    dir.write("images/" + name, content);
  }
  void add(const std::string& name) const { write(name, "/" + name); }
};

}  // namespace test
