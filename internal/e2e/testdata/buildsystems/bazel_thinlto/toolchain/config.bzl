"""A toolchain of clang 22 with the feature thin_lto, which newer Bazels have in their own."""

load("@bazel_tools//tools/build_defs/cc:action_names.bzl", "ACTION_NAMES")
load("@bazel_tools//tools/cpp:cc_toolchain_config_lib.bzl", "feature", "flag_group", "flag_set", "tool_path")

LINK = [ACTION_NAMES.cpp_link_executable, ACTION_NAMES.cpp_link_dynamic_library, ACTION_NAMES.cpp_link_nodeps_dynamic_library]
INDEX = [ACTION_NAMES.lto_index_for_executable, ACTION_NAMES.lto_index_for_dynamic_library, ACTION_NAMES.lto_index_for_nodeps_dynamic_library]
COMPILE = [ACTION_NAMES.c_compile, ACTION_NAMES.cpp_compile]

def flags(actions, flags, **kwargs):
    return flag_set(actions = actions, flag_groups = [flag_group(flags = flags, **kwargs)])

def _config(ctx):
    return cc_common.create_cc_toolchain_config_info(
        ctx = ctx,
        toolchain_identifier = "clang",
        host_system_name = "local",
        target_system_name = "local",
        target_cpu = "k8",
        target_libc = "local",
        compiler = "clang",
        abi_version = "local",
        abi_libc_version = "local",
        cxx_builtin_include_directories = ["/usr/include", "/usr/lib"],
        tool_paths = [
            tool_path(name = "ar", path = "/usr/bin/llvm-ar-22"),
            tool_path(name = "cpp", path = "/usr/bin/clang-cpp-22"),
            tool_path(name = "gcc", path = "/usr/bin/clang-22"),
            tool_path(name = "ld", path = "/usr/bin/ld.lld-22"),
            tool_path(name = "nm", path = "/usr/bin/llvm-nm-22"),
            tool_path(name = "objdump", path = "/usr/bin/llvm-objdump-22"),
            tool_path(name = "strip", path = "/usr/bin/llvm-strip-22"),
            tool_path(name = "gcov", path = "/bin/false"),
        ],
        features = [
            feature(name = "supports_start_end_lib", enabled = True),
            feature(name = "optimise", enabled = True, flag_sets = [
                flags(COMPILE + LINK + INDEX + [ACTION_NAMES.lto_backend], ["-O2"]),
            ]),
            feature(name = "thin_lto", flag_sets = [
                flags(COMPILE + LINK + INDEX, ["-flto=thin"]),
                flags(COMPILE, ["-Xclang", "-fthin-link-bitcode=%{lto_indexing_bitcode_file}"], expand_if_available = "lto_indexing_bitcode_file"),
                flags(INDEX, [
                    "-Wl,--thinlto-index-only=%{thinlto_indexing_param_file}",
                    "-Wl,--thinlto-emit-imports-files",
                    "-Wl,--thinlto-prefix-replace=%{thinlto_prefix_replace}",
                ]),
                flags(INDEX, ["-Wl,--thinlto-object-suffix-replace=%{thinlto_object_suffix_replace}"], expand_if_available = "thinlto_object_suffix_replace"),
                flags(INDEX, ["-Wl,--lto-obj-path=%{thinlto_merged_object_file}"], expand_if_available = "thinlto_merged_object_file"),
                flags([ACTION_NAMES.lto_backend], ["-c", "-fthinlto-index=%{thinlto_index}", "-o", "%{thinlto_output_object_file}", "-x", "ir", "%{thinlto_input_bitcode_file}"]),
            ]),
        ],
    )

config = rule(implementation = _config, attrs = {}, provides = [CcToolchainConfigInfo])
