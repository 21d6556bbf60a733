/* The interpreter's main program: with the product's folder beside it, it is the product; else it is Python.

   One executable is both, and has the whole interpreter in it: nothing is loaded, looked up or moved before Python
   begins. What Python would find out about where it lies it is told instead.
   Source: https://docs.python.org/3.13/c-api/init_config.html */

#include "Python.h"
#include <errno.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <unistd.h>

#define NAME "docker-credential-harbor"
#define MODULES "/_internal"
#define PROGRAM "docker_credential_harbor.__main__"
#define OUTPUT_NOT_WRITTEN 120 /* as Python's own main program has it */
#define INTERRUPTED 130
#define BYTES_OF_A_WARM_GET ((size_t)3 << 20)
#define HUGE_PAGE_BYTES ((size_t)2 << 20)
#define BLOCK_BYTES (4 * HUGE_PAGE_BYTES)

/* Without links; 0 and errno where that is not to be had, or too long for what lies beside it to have a path. Where
   /proc is not mounted, the kernel told it otherwise. */
static int executable_path(char *path)
{
    ssize_t size = readlink("/proc/self/exe", path, PATH_MAX);
    if (size < 0) {
        const char *started = (const char *)getauxval(AT_EXECFN);
        size = started && realpath(started, path) ? (ssize_t)strlen(path) : -1;
    }
    if (size > (ssize_t)(PATH_MAX - sizeof MODULES)) {
        errno = ENAMETOOLONG;
        return 0;
    }
    if (size > 0) {
        path[size] = '\0';
    }
    return size > 0;
}

/* Whether the product's modules lie beside the executable, and their folder. */
static int modules_path(const char *executable, char *path)
{
    size_t size = strrchr(executable, '/') - executable;
    memcpy(path, executable, size);
    memcpy(path + size, MODULES, sizeof MODULES);
    return access(path, F_OK) == 0;
}

static void *map(size_t size)
{
    void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return memory == MAP_FAILED ? NULL : memory;
}

/* Python's memory, a megabyte at a time. Whoever takes more than a warm get takes megabytes more, and a page of the
   usual size costs the kernel as long as thousands of instructions: so that comes in huge pages, where it has some. */
static void *new_arena(void *taken, size_t size)
{
    static char *next, *end;
    *(size_t *)taken += size;
    if (*(size_t *)taken > BYTES_OF_A_WARM_GET && (size_t)(end - next) < size) {
        char *block = map(BLOCK_BYTES + HUGE_PAGE_BYTES); /* more, to begin where a huge page can */
        if (block) {
            next = (char *)(((uintptr_t)block + HUGE_PAGE_BYTES - 1) & ~(uintptr_t)(HUGE_PAGE_BYTES - 1));
            end = next + BLOCK_BYTES;
            madvise(next, BLOCK_BYTES, MADV_HUGEPAGE);
        }
    }
    if ((size_t)(end - next) < size) {
        return map(size);
    }
    next += size;
    return next - size;
}

static void free_arena(void *Py_UNUSED(taken), void *arena, size_t size)
{
    munmap(arena, size);
}

static void need(PyStatus status)
{
    if (PyStatus_Exception(status)) {
        Py_ExitStatusException(status);
    }
}

/* As with -I -S -B, and with the user's own locale. */
static void initialize(int argc, char **argv, const char *executable, const char *modules)
{
    PyPreConfig before;
    PyPreConfig_InitIsolatedConfig(&before);
    before.configure_locale = 1;
    before.utf8_mode = -1; /* by the locale */
    need(Py_PreInitialize(&before));
    static size_t taken;
    PyObject_SetArenaAllocator(&(PyObjectArenaAllocator){&taken, new_arena, free_arena});

    PyConfig config;
    PyConfig_InitIsolatedConfig(&config);
    config.site_import = 0;
    config.write_bytecode = 0;
    config.configure_c_stdio = 1;
    config.install_signal_handlers = 1;
    wchar_t **executables[] = {&config.program_name, &config.executable, &config.base_executable};
    for (size_t at = 0; at < Py_ARRAY_LENGTH(executables); at++) {
        need(PyConfig_SetBytesString(&config, executables[at], executable));
    }
    wchar_t **folders[] = {&config.home, &config.prefix, &config.exec_prefix, &config.base_prefix,
                           &config.base_exec_prefix, &config.stdlib_dir};
    for (size_t at = 0; at < Py_ARRAY_LENGTH(folders); at++) {
        need(PyConfig_SetBytesString(&config, folders[at], modules));
    }
    config.module_search_paths_set = 1;
    need(PyWideStringList_Append(&config.module_search_paths, config.home));
    need(PyConfig_SetBytesArgv(&config, argc, argv));
    config._init_main = 0;
    need(Py_InitializeFromConfig(&config));
    PyConfig_Clear(&config);
    PyGC_Disable(); /* a run is short, and its imports leave nothing to be collected */
    need(_Py_InitializeMain());
}

/* Its exit status. */
static int run_product(void)
{
    PySys_SetObject("frozen", Py_True); /* as builders of executables have it */
    PyObject *program = PyImport_ImportModule(PROGRAM);
    PyObject *status = program ? PyObject_CallMethod(program, "main", NULL) : NULL;
    if (!status && PyErr_ExceptionMatches(PyExc_KeyboardInterrupt)) { /* earlier than the product can catch it */
        PyErr_Clear();
        return INTERRUPTED;
    }
    if (!status) {
        PyErr_Print();
        return 1;
    }
    return PyLong_AsInt(status);
}

int main(int argc, char **argv)
{
    char executable[PATH_MAX], modules[PATH_MAX];
    if (!executable_path(executable)) {
        fprintf(stderr, NAME ": where it is installed cannot be told (%s): install it in another folder\n", strerror(errno));
        return 1;
    }
    if (!modules_path(executable, modules)) {
        return Py_BytesMain(argc, argv);
    }
    initialize(argc, argv, executable, modules);
    int status = run_product();
    return Py_FinalizeEx() < 0 ? OUTPUT_NOT_WRITTEN : status;
}
